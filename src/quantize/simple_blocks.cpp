// SPDX-License-Identifier: MIT
// Blocks of 32 weights with one scale, with or without an offset: a search, the scale rounded to f16 as the file keeps
// it, and the weights taken to the nearest values of that scale.
#include <algorithm>

#include "quantize/encode_blocks.hpp"
#include "quantize/fit.hpp"
#include "quantize/half.hpp"

namespace linnet::quantize {

namespace {

constexpr std::size_t kBlock = 32;
constexpr Reach kInset = {-0.01F, 0.015F, 5};

std::uint16_t stored(float value) noexcept { return to_half(std::clamp(value, -kMaxHalf, kMaxHalf)); }

float inverse(float scale) noexcept { return scale != 0.0F ? 1.0F / scale : 0.0F; }

// Grid positions of a block's weights, counted from the grid's low end.
template <class Grid>
void place(const float* x, float offset, float scale, std::uint8_t (&q)[kBlock]) noexcept {
    const float factor = inverse(scale);
    for (std::size_t k = 0; k < kBlock; ++k) {
        q[k] = Grid::index((x[k] - offset) * factor);
    }
}

void put_nibbles(const std::uint8_t (&q)[kBlock], std::uint8_t (&bytes)[16]) noexcept {
    for (std::size_t j = 0; j < 16; ++j) bytes[j] = static_cast<std::uint8_t>((q[j] & 15U) | (q[j + 16] & 15U) << 4U);
}

void put_fifth_bits(const std::uint8_t (&q)[kBlock], std::uint8_t (&bytes)[4]) noexcept {
    for (std::size_t i = 0; i < 4; ++i) {
        unsigned byte = 0;
        for (std::size_t bit = 0; bit < 8; ++bit) byte |= (q[8 * i + bit] >> 4U & 1U) << bit;
        bytes[i] = static_cast<std::uint8_t>(byte);
    }
}

template <class Grid, class Block>
void encode_scaled(const float* x, const float* w, Reach reach, Block& b, std::uint8_t (&q)[kBlock]) noexcept {
    b.d = stored(fit_scale<Grid, kBlock>(x, w, reach).scale);
    place<Grid>(x, 0, from_half(b.d), q);
}

template <class Grid, class Block>
void encode_affine(const float* x, const float* w, Block& b, std::uint8_t (&q)[kBlock]) noexcept {
    const Fit fit = fit_affine<Grid, kBlock>(x, w, kInset, true);
    b.d = stored(fit.scale);
    b.m = stored(fit.offset);
    place<Grid>(x, from_half(b.m), from_half(b.d), q);
}

}  // namespace

void encode_block(const float* x, const float* w, BlockQ4_0& b) noexcept {
    std::uint8_t q[kBlock];
    encode_scaled<Integers<-8, 7>>(x, w, {0.8F, 0.05F, 7}, b, q);
    put_nibbles(q, b.q);
}

void encode_block(const float* x, const float* w, BlockQ4_1& b) noexcept {
    std::uint8_t q[kBlock];
    encode_affine<Integers<0, 15>>(x, w, b, q);
    put_nibbles(q, b.q);
}

void encode_block(const float* x, const float* w, BlockQ5_0& b) noexcept {
    std::uint8_t q[kBlock];
    encode_scaled<Integers<-16, 15>>(x, w, {0.88F, 0.025F, 7}, b, q);
    put_nibbles(q, b.q);
    put_fifth_bits(q, b.high);
}

void encode_block(const float* x, const float* w, BlockQ5_1& b) noexcept {
    std::uint8_t q[kBlock];
    encode_affine<Integers<0, 31>>(x, w, b, q);
    put_nibbles(q, b.q);
    put_fifth_bits(q, b.high);
}

void encode_block(const float* x, const float* w, BlockQ8_0& b) noexcept {
    std::uint8_t q[kBlock];
    encode_scaled<Integers<-127, 127>>(x, w, {0.98F, 0.0025F, 9}, b, q);
    for (std::size_t k = 0; k < kBlock; ++k) b.q[k] = static_cast<std::int8_t>(q[k] - 127);
}

void encode_block(const float* x, const float* w, BlockIQ4_NL& b) noexcept {
    std::uint8_t q[kBlock];
    encode_scaled<Codebook>(x, w, {0.8F, 0.05F, 7}, b, q);
    put_nibbles(q, b.q);
}

}  // namespace linnet::quantize
