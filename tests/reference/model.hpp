// SPDX-License-Identifier: MIT
// The second opinion: dense decoders and encoders computed from their papers in double, without a cache, tiles,
// quantised activations or any code of the runtime beyond the GGUF reader. Slow on purpose; it is what the runtime is
// compared with where no golden result exists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/reference/weights.hpp"

namespace reference {

struct Weights;

class Model {
  public:
    // Throws std::runtime_error for what it does not know (architecture, format, tensors that nothing would use), and
    // linnet::Error for a file that cannot be read.
    explicit Model(const std::string& path);
    ~Model();

    std::size_t n_vocab() const;

    // [tokens.size(), n_vocab] logits after each token. n_ctx: the context for which rope factors are chosen in models
    // that have short and long ones; 0: the number of tokens.
    std::vector<float> logits(std::span<const std::int32_t> tokens, std::uint32_t n_ctx = 0) const;

    // [tokens.size(), d_model] normed final states.
    std::vector<float> states(std::span<const std::int32_t> tokens) const;

    // Of the tensors of layers, where it is more than what another one takes (not of recurrent layers).
    InputSquares input_squares(std::span<const std::int32_t> tokens) const;

    // What the file makes of a text: its pooled state or, in rankers, its scores. Not divided by its length.
    std::vector<float> vector(std::span<const std::int32_t> tokens) const;

    // The n_tokens most likely tokens after the prompt, each from a computation of the whole sequence.
    std::vector<std::int32_t> greedy(std::span<const std::int32_t> prompt, std::size_t n_tokens,
                                     std::uint32_t n_ctx = 0) const;

  private:
    std::unique_ptr<const Weights> weights_;
};

}  // namespace reference
