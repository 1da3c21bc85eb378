// SPDX-License-Identifier: MIT
// Texts as vectors: the final states of a text's tokens, pooled. A text is computed by itself from position 0, so that
// its vector's bits depend on nothing else that is embedded. All memory is taken in the constructor.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "model/forward.hpp"
#include "model/model.hpp"

namespace linnet {

class Embedder {
  public:
    using Pooling = arch::Pooling;

    // Most tokens of a text that the model takes; n_ctx: what the caller wants, 0: all that it was trained with.
    // Throws Error(invalid_argument).
    static std::uint32_t context(const arch::ModelSpec& spec, std::uint32_t n_ctx);
    // Floats of a vector. Throws Error(unsupported) when the model cannot be pooled so.
    static std::uint32_t vector_size(const arch::ModelSpec& spec, Pooling pooling);
    // Exactly what the constructor takes from the engine's memory.
    static Forward::Sizes plan(const arch::ModelSpec& spec, std::uint32_t context, std::uint32_t n_max,
                               std::uint32_t n_threads);

    // For texts of up to n_max tokens, at most `context`. `model` must outlive the object.
    Embedder(const Model& model, std::uint32_t context, std::uint32_t n_max, Pooling pooling);

    // The vector of 1 .. n_max tokens (ids below n_vocab) to y[vector_size]; one for each token without pooling.
    // False when cancelled.
    bool embed(std::span<const Token> tokens, float* y, const std::atomic<bool>* cancel = nullptr);

  private:
    static PassShape shape(const arch::ModelSpec& spec, std::uint32_t context, std::uint32_t n_max);

    const Model& model_;
    Pooling pooling_;
    Forward forward_;
    std::pmr::vector<double> sums_;   // [d_model], for means
    std::pmr::vector<float> pooled_;  // [d_model]
};

// x / |x|; zeros stay.
void normalise(std::span<float> x) noexcept;

}  // namespace linnet
