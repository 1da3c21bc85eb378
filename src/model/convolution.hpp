// SPDX-License-Identifier: MIT
// Short causal convolutions of channels each for itself, over a pass's inputs and what the state remembers of those
// before them. Internal to model/.
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

}  // namespace linnet
