// SPDX-License-Identifier: MIT
// Short causal convolutions of channels each for itself, over a pass's inputs and what the state remembers of those
// before them, and the memories of heads that stand behind these in the state. Internal to model/.
#pragma once

#include "model/pass.hpp"

namespace linnet {

// Inputs of a layer's convolution.
struct ConvolutionInput {
    const float* rows;  // [n_tokens], row_stride apart
    std::size_t row_stride;
    std::size_t width;  // channels
    std::size_t n_taps;
    const float* before;  // [n_taps - 1][width], the inputs before the first; null: zeros

    // Input of token `t`, which may be down to 1 - n_taps; null: zeros.
    const float* row(std::ptrdiff_t t) const noexcept;
};

// y = sum over taps j of taps[j] * the input n_taps - 1 - j tokens before t, in ascending order of j.
void convolve(const Pass& pass, const ConvolutionInput& input, const float* taps, std::size_t t, float* y) noexcept;

// The last n_taps - 1 inputs up to the end of the pass.
void remember(const Pass& pass, const ConvolutionInput& input, float* to) noexcept;

// Calls f(head, memory) for a layer's heads of values, side by side. memory: [d_key][d_value], as the state had it
// before the pass; f brings it to the pass's end.
template <class F>
bool scan_heads(const Pass& pass, std::size_t layer, F f) noexcept {
    const arch::LayerSpec& spec = pass.spec.layers[layer];
    const RecurrentState::Layer state = pass.state.layer(layer);
    const std::size_t size = std::size_t{spec.delta.d_key} * spec.delta.d_value;
    const std::size_t memories = (spec.n_taps - 1) * arch::conv_width(pass.spec, spec);
    const bool done = pass.parallel(spec.delta.n_value_heads, [&](std::size_t head, WorkerScratch&) {
        const std::size_t offset = memories + head * size;
        float* memory = state.to + offset;
        if (state.from != nullptr) {
            std::copy_n(state.from + offset, size, memory);
        } else {
            std::fill_n(memory, size, 0.0F);
        }
        f(head, memory);
    });
    pass.lap(Part::attention);
    return done;
}

}  // namespace linnet
