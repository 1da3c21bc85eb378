// SPDX-License-Identifier: MIT
// Runs whole models through the layers below the C interface: an engine of some instruction set and number of threads,
// a model loaded in some way, and passes over tokens in chunks of some size.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gguf/file.hpp"
#include "model/forward.hpp"
#include "model/model.hpp"
#include "tests/support/gguf_builder.hpp"

namespace runner {

using linnet::Forward;
using linnet::KvType;
using linnet::Model;
using linnet::PassShape;
using linnet::Stop;
using linnet::Token;

inline std::shared_ptr<linnet::Engine> make_engine(std::uint32_t n_threads = 1, const std::string& isa = "") {
    linnet::EngineOptions options;
    options.n_threads = n_threads;
    if (!isa.empty()) options.isa = isa.c_str();
    return std::make_shared<linnet::Engine>(options);
}

// The file is mapped in either case; `mapped` says whether the weights stay there.
inline std::unique_ptr<Model> open(std::shared_ptr<linnet::Engine> engine, const std::string& path,
                                   bool mapped = false) {
    auto file = linnet::gguf::File::open(path, true, engine->memory);
    linnet::LoadOptions options;
    options.mapped = mapped;
    return std::make_unique<Model>(std::move(engine), std::move(file), options);
}

// The same of a file in memory, whose bytes have to stay.
inline std::unique_ptr<Model> open(std::shared_ptr<linnet::Engine> engine, std::span<const std::byte> bytes,
                                   bool mapped = false) {
    auto file = gguf_test::open(linnet::Source::from_memory(bytes), engine->memory);
    linnet::LoadOptions options;
    options.mapped = mapped;
    return std::make_unique<Model>(std::move(engine), std::move(file), options);
}

// Logits after each token, computed in chunks of `chunk` tokens (0: all at once) from position `pos` on. Throws when
// a pass does not end as done.
inline std::vector<float> logits(Forward& forward, std::span<const Token> tokens, std::uint32_t chunk = 0,
                                 std::uint32_t pos = 0) {
    std::vector<float> result;
    const std::size_t step = chunk == 0 ? tokens.size() : chunk;
    for (std::size_t i = 0; i < tokens.size(); i += step) {
        const auto part = tokens.subspan(i, std::min(step, tokens.size() - i));
        forward.begin(part, pos + static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(part.size()));
        if (forward.run(Stop{}) != Forward::Outcome::done) throw std::runtime_error("a pass was not done");
        const auto rows = forward.logits();
        result.insert(result.end(), rows.begin(), rows.end());
    }
    return result;
}

// A sequence that can hold n_ctx positions and computes `chunk` of them at a time (0: all), with no memory to spare:
// sliding windows then wrap as early as they can.
inline PassShape shape(std::uint32_t n_ctx, std::uint32_t chunk, KvType kv) {
    const std::uint32_t n = chunk == 0 ? n_ctx : std::min(chunk, n_ctx);
    return {n_ctx, n, n, kv};
}

inline Token best(std::span<const float> row) {
    return static_cast<Token>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace runner
