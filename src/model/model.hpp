// SPDX-License-Identifier: MIT
// An open model: metadata, vocabulary and weights. Immutable after loading; shared by sessions and threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "arch/arch_spec.hpp"
#include "gguf/file.hpp"
#include "model/engine.hpp"
#include "model/weights.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

struct LoadOptions {
    bool mapped = false;  // weights stay where the file is and are packed on the fly
    // Called about every 10 ms with bytes done and in all; non-zero cancels with Error(cancelled).
    std::int32_t (*progress)(void* user, std::uint64_t done, std::uint64_t total) = nullptr;
    void* progress_user = nullptr;
};

class Model {
  public:
    // All of it: header checked against the architecture, vocabulary, weights. Throws Error.
    Model(std::shared_ptr<Engine> engine, gguf::File file, const LoadOptions& options);

    // What linnet_plan needs, from the header alone.
    struct Plan {
        std::uint64_t weights_bytes;   // the allocation of the weights
        std::uint64_t metadata_bytes;  // all else that opening the file and the constructor take from memory
        std::uint32_t max_piece_size;  // of the tokenizer
        arch::ModelSpec spec;          // in `counting`, which must outlive it
    };
    // `file` was opened with `counting`, which counts nothing else.
    static Plan plan(const gguf::File& file, Memory& counting, bool mapped);

    Engine& engine() const noexcept { return *engine_; }
    const gguf::File& file() const noexcept { return file_; }
    const arch::ModelSpec& spec() const noexcept { return spec_; }
    const Tokenizer& tokenizer() const noexcept { return tokenizer_; }
    const Weights& weights() const noexcept { return weights_; }
    std::uint64_t n_parameters() const noexcept;

  private:
    std::shared_ptr<Engine> engine_;
    gguf::File file_;
    arch::ModelSpec spec_;
    Tokenizer tokenizer_;
    Weights weights_;
};

}  // namespace linnet
