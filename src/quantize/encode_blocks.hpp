// SPDX-License-Identifier: MIT
// The encoders of single blocks. x, w: the block's weights and the weights of their squared errors.
#pragma once

#include "quantize/blocks.hpp"

namespace linnet::quantize {

void encode_block(const float* x, const float* w, BlockQ4_0& b) noexcept;
void encode_block(const float* x, const float* w, BlockQ4_1& b) noexcept;
void encode_block(const float* x, const float* w, BlockQ5_0& b) noexcept;
void encode_block(const float* x, const float* w, BlockQ5_1& b) noexcept;
void encode_block(const float* x, const float* w, BlockQ8_0& b) noexcept;
void encode_block(const float* x, const float* w, BlockQ4_K& b) noexcept;
void encode_block(const float* x, const float* w, BlockQ5_K& b) noexcept;
void encode_block(const float* x, const float* w, BlockQ6_K& b) noexcept;
void encode_block(const float* x, const float* w, BlockIQ4_XS& b) noexcept;
void encode_block(const float* x, const float* w, BlockIQ4_NL& b) noexcept;

}  // namespace linnet::quantize
