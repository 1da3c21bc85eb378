// SPDX-License-Identifier: MIT
// The definitions of the tensor formats, each as one formula: element i of a block. Numbers in a block are
// little-endian; "d" and "m" are half floats. All products below are exact in double.
#include "tests/reference/weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/formats/grids.hpp"

namespace reference {

namespace {

// Sign, 5 bits of exponent with bias 15, 10 bits of fraction.
double f16_to_double(std::uint16_t bits) {
    const int exponent = bits >> 10 & 31;
    const int fraction = bits & 1023;
    double magnitude;
    if (exponent == 31) {
        magnitude = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    } else if (exponent == 0) {
        magnitude = std::ldexp(fraction, -24);
    } else {
        magnitude = std::ldexp(1024 + fraction, exponent - 25);
    }
    return bits >> 15 != 0 ? -magnitude : magnitude;
}

// One block's bytes.
class Block {
  public:
    explicit Block(const std::byte* data) : data_(data) {}

    int u8(std::size_t at) const { return std::to_integer<int>(data_[at]); }
    int i8(std::size_t at) const { return u8(at) < 128 ? u8(at) : u8(at) - 256; }
    std::uint16_t u16(std::size_t at) const { return static_cast<std::uint16_t>(u8(at) | u8(at + 1) << 8); }
    double f16(std::size_t at) const { return f16_to_double(u16(at)); }
    double f32(std::size_t at) const {
        float value;
        std::memcpy(&value, data_ + at, sizeof value);
        return value;
    }
    int bit(std::size_t at, std::size_t i) const { return u8(at + i / 8) >> (i % 8) & 1; }
    // The high four bits of byte `at`, or the low ones.
    int nibble(std::size_t at, bool high) const { return high ? u8(at) >> 4 : u8(at) & 15; }

  private:
    const std::byte* data_;
};

double bf16_to_double(std::uint16_t bits) {
    const std::uint32_t wide = static_cast<std::uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return value;
}

// Blocks of 32 keep elements 0..15 in the low nibbles of 16 bytes, 16..31 in the high ones.
int nibble_of_32(Block block, std::size_t qs, std::size_t i) { return block.nibble(qs + i % 16, i >= 16); }

double q4_0(Block b, std::size_t i) { return b.f16(0) * (nibble_of_32(b, 2, i) - 8); }
double q4_1(Block b, std::size_t i) { return b.f16(0) * nibble_of_32(b, 4, i) + b.f16(2); }
double q5_0(Block b, std::size_t i) { return b.f16(0) * (nibble_of_32(b, 6, i) + 16 * b.bit(2, i) - 16); }
double q5_1(Block b, std::size_t i) { return b.f16(0) * (nibble_of_32(b, 8, i) + 16 * b.bit(4, i)) + b.f16(2); }
double q8_0(Block b, std::size_t i) { return b.f16(0) * b.i8(2 + i); }

// Q4_K and Q5_K: 8 sub-blocks of 32 with a 6-bit scale and a 6-bit minimum each, packed in 12 bytes from byte 4 on.
// The first four of each lie in the low bits of bytes 0..3 and 4..7, whose top two bits belong to the last four, the
// low four bits of which are the nibbles of bytes 8..11.
double k_scale_min(Block b, std::size_t i, int quant) {
    const std::size_t s = i / 32;
    const std::size_t at = 4;
    const int scale = s < 4 ? b.u8(at + s) & 63 : b.nibble(at + s + 4, false) | b.u8(at + s - 4) >> 6 << 4;
    const int minimum = s < 4 ? b.u8(at + s + 4) & 63 : b.nibble(at + s + 4, true) | b.u8(at + s) >> 6 << 4;
    return b.f16(0) * scale * quant - b.f16(2) * minimum;
}

// 64 elements share 32 bytes: the first 32 in the low nibbles.
int k_nibble(Block b, std::size_t qs, std::size_t i) { return b.nibble(qs + i / 64 * 32 + i % 32, i % 64 >= 32); }

double q4_k(Block b, std::size_t i) { return k_scale_min(b, i, k_nibble(b, 16, i)); }

// The fifth bits: byte l of 32 holds bit i / 32 of the elements with i % 32 == l.
double q5_k(Block b, std::size_t i) {
    const int fifth = b.u8(16 + i % 32) >> (i / 32) & 1;
    return k_scale_min(b, i, k_nibble(b, 48, i) + 16 * fifth);
}

// Two halves of 128, each with 64 bytes of low nibbles (elements 0..63 low, 64..127 high) and 32 bytes of upper bit
// pairs (pair r of byte l belongs to element 32 r + l); then 16 signed scales, one per 16 elements, then d.
double q6_k(Block b, std::size_t i) {
    const std::size_t half = i / 128;
    const std::size_t r = i % 128;
    const int low = b.nibble(half * 64 + r % 64, r >= 64);
    const int high = b.u8(128 + half * 32 + r % 32) >> (r / 32 * 2) & 3;
    return b.f16(208) * b.i8(192 + i / 16) * (low + 16 * high - 32);
}

// ---- 2 and 3 bits: each half of 128 in 32 bytes, pair r of byte l belongs to element 32 r + l of the half.

int k_pair(Block b, std::size_t qs, std::size_t i) {
    return b.u8(qs + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3;
}

// A byte per 16 elements: scale low, minimum high.
double q2_k(Block b, std::size_t i) {
    return b.f16(80) * b.nibble(i / 16, false) * k_pair(b, 16, i) - b.f16(82) * b.nibble(i / 16, true);
}

// The third bit as the fifth of Q5_K; where it is not set, 4 is subtracted. 16 scales of 6 bits, biased by 32: low
// nibbles of the 8 bytes from 96 on are those of the first 8, high nibbles of the others; bits 2 j of byte 104 + l are
// the upper bits of scale 4 j + l.
double q3_k(Block b, std::size_t i) {
    const std::size_t s = i / 16;
    const int scale = (b.nibble(96 + s % 8, s >= 8) | (b.u8(104 + s % 4) >> (s / 4 * 2) & 3) << 4) - 32;
    const int third = b.u8(i % 32) >> (i / 32) & 1;
    return b.f16(108) * scale * (k_pair(b, 32, i) - (third != 0 ? 0 : 4));
}

// ---- 4 bits as indices of a table

constexpr int kIq4Values[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

double iq4_nl(Block b, std::size_t i) { return b.f16(0) * kIq4Values[nibble_of_32(b, 2, i)]; }

// A scale of 6 bits, biased by 32, per 32 elements: low nibbles from byte 4 on, pairs of upper bits from byte 2 on.
double iq4_xs(Block b, std::size_t i) {
    const std::size_t s = i / 32;
    const int scale = (b.nibble(4 + s / 2, s % 2 == 1) | (b.u16(2) >> (2 * s) & 3) << 4) - 32;
    return b.f16(0) * scale * kIq4Values[nibble_of_32(b, 8 + 16 * s, i % 32)];
}

// Sign, two bits of exponent with bias 1, one of fraction.
double e2m1(int bits) {
    const int exponent = bits >> 1 & 3;
    const double magnitude = exponent == 0 ? (bits & 1) * 0.5 : std::ldexp(1.0 + (bits & 1) * 0.5, exponent - 1);
    return bits >> 3 != 0 ? -magnitude : magnitude;
}

double mxfp4(Block b, std::size_t i) { return std::ldexp(e2m1(nibble_of_32(b, 1, i)), b.u8(0) - 127); }

// Four bytes of scale for 16 elements each, floats of 4 bits of exponent with bias 7 and 3 of fraction; NaN is read as
// 0.
double nvfp4(Block b, std::size_t i) {
    const int scale = b.u8(i / 16);
    const int exponent = scale >> 3 & 15;
    const double fraction = (scale & 7) / 8.0;
    double value = exponent == 0 ? std::ldexp(fraction, -6) : std::ldexp(1 + fraction, exponent - 7);
    if (scale == 0x7f) value = 0;
    return value * e2m1(b.nibble(4 + i / 16 * 8 + i % 8, i % 16 >= 8));
}

// ---- Ternary

double tq2_0(Block b, std::size_t i) { return b.f16(64) * (k_pair(b, 0, i) - 1); }

// Digits of base 3, the first of a byte the highest: 32 bytes of 5 digits, then 16 of 5, then 4 of 4. Digit n of byte j
// belongs to element n * (number of bytes) + j of its part. A byte stands for the fraction byte / 256.
double tq1_0(Block b, std::size_t i) {
    const std::size_t part = i < 160 ? 32 : i < 240 ? 16 : 4;
    const std::size_t begin = i < 160 ? 0 : i < 240 ? 160 : 240;
    int fraction = b.u8((i < 160 ? 0 : i < 240 ? 32 : 48) + (i - begin) % part);
    for (std::size_t n = 0; n < (i - begin) / part; ++n) fraction = fraction * 3 % 256;
    return b.f16(52) * (fraction * 3 / 256 - 1);
}

// ---- Points of a codebook, whose numbers are shared with the kernels

using linnet::kernels::kGridIq1;
using linnet::kernels::kGridIq2S;
using linnet::kernels::kGridIq2Xs;
using linnet::kernels::kGridIq2Xxs;
using linnet::kernels::kGridIq3S;
using linnet::kernels::kGridIq3Xxs;

int signed_by(int bit, int magnitude) { return bit != 0 ? -magnitude : magnitude; }

// Seven signs and an eighth that makes their number even.
int sign_of_seven(int signs, std::size_t i) {
    int count = 0;
    for (int bit = 0; bit < 7; ++bit) count += signs >> bit & 1;
    return i < 7 ? signs >> i & 1 : count % 2;
}

int octet_of(std::uint16_t point, std::size_t i) { return point >> (i * 2) & 3; }
int iq2_magnitude(std::uint16_t point, std::size_t i) {
    constexpr int kMagnitudes[] = {8, 25, 43};
    return kMagnitudes[octet_of(point, i)];
}
int iq3_code(std::uint16_t point, std::size_t i) { return point >> (i * 4) & 7; }

// Per 32 elements 4 bytes of indices, then 4 times 7 signs and 4 bits of scale.
double iq2_xxs(Block b, std::size_t i) {
    const std::size_t at = 2 + i / 32 * 8;
    const auto word = static_cast<std::uint32_t>(b.u16(at + 4) | static_cast<std::uint32_t>(b.u16(at + 6)) << 16);
    const std::size_t octet = i % 32 / 8;
    const int sign = sign_of_seven(static_cast<int>(word >> (octet * 7) & 127), i % 8);
    return b.f16(0) * (0.5 + (word >> 28)) / 4 * signed_by(sign, iq2_magnitude(kGridIq2Xxs[b.u8(at + octet)], i % 8));
}

double iq2_xs(Block b, std::size_t i) {
    const int point = b.u16(2 + i / 8 * 2);
    const int scale = b.nibble(66 + i / 32, i % 32 >= 16);
    return b.f16(0) * (0.5 + scale) / 4 *
           signed_by(sign_of_seven(point >> 9, i % 8), iq2_magnitude(kGridIq2Xs[point & 511], i % 8));
}

double iq2_s(Block b, std::size_t i) {
    const int index = b.u8(2 + i / 8) + 256 * (b.u8(66 + i / 32) >> (i % 32 / 8 * 2) & 3);
    const int scale = b.nibble(74 + i / 32, i % 32 >= 16);
    return b.f16(0) * (0.5 + scale) / 4 * signed_by(b.bit(34, i), iq2_magnitude(kGridIq2S[index], i % 8));
}

double iq3_xxs(Block b, std::size_t i) {
    constexpr int kMagnitudes[] = {4, 12, 20, 28, 36, 44, 52, 62};
    const std::size_t at = 66 + i / 32 * 4;
    const auto word = static_cast<std::uint32_t>(b.u16(at) | static_cast<std::uint32_t>(b.u16(at + 2)) << 16);
    const int sign = sign_of_seven(static_cast<int>(word >> (i % 32 / 8 * 7) & 127), i % 8);
    const int magnitude = kMagnitudes[iq3_code(kGridIq3Xxs[b.u8(2 + i / 4)], i % 4)];
    return b.f16(0) * (0.5 + (word >> 28)) / 2 * signed_by(sign, magnitude);
}

double iq3_s(Block b, std::size_t i) {
    const int index = b.u8(2 + i / 4) + 256 * b.bit(66, i / 4);
    const int scale = b.nibble(106 + i / 64, i % 64 >= 32);
    return b.f16(0) * (1 + 2 * scale) * signed_by(b.bit(74, i), 1 + 2 * iq3_code(kGridIq3S[index], i % 4));
}

double iq1_s(Block b, std::size_t i) {
    const int word = b.u16(34 + i / 32 * 2);
    const int index = b.u8(2 + i / 8) + 256 * (word >> (i % 32 / 8 * 3) & 7);
    const double shift = word >> 15 != 0 ? -0.125 : 0.125;
    return b.f16(0) * (1 + 2 * (word >> 12 & 7)) * (octet_of(kGridIq1[index], i % 8) - 1 + shift);
}

double iq1_m(Block b, std::size_t i) {
    int d = 0;
    for (std::size_t word = 0; word < 4; ++word) d |= b.nibble(49 + word * 2, true) << (word * 4);
    const int high = b.nibble(32 + i / 16, i % 16 >= 8);
    const int scale = b.u16(48 + i / 64 * 2) >> (i / 16 % 4 * 3) & 7;
    const double shift = high >> 3 != 0 ? -0.125 : 0.125;
    const int p = octet_of(kGridIq1[b.u8(i / 8) + 256 * (high & 7)], i % 8) - 1;
    return f16_to_double(static_cast<std::uint16_t>(d)) * (1 + 2 * scale) * (p + shift);
}

double f32(Block b, std::size_t) { return b.f32(0); }
double f16(Block b, std::size_t) { return b.f16(0); }
double bf16(Block b, std::size_t) { return bf16_to_double(b.u16(0)); }

struct Format {
    std::uint32_t type;  // ggml's id
    std::size_t block_size;
    std::size_t block_bytes;
    double (*element)(Block block, std::size_t i);
};

constexpr Format kFormats[] = {
    {0, 1, 4, f32},        {1, 1, 2, f16},         {30, 1, 2, bf16},      {2, 32, 18, q4_0},    {3, 32, 20, q4_1},
    {6, 32, 22, q5_0},     {7, 32, 24, q5_1},      {8, 32, 34, q8_0},     {12, 256, 144, q4_k}, {13, 256, 176, q5_k},
    {14, 256, 210, q6_k},  {10, 256, 84, q2_k},    {11, 256, 110, q3_k},  {20, 32, 18, iq4_nl}, {23, 256, 136, iq4_xs},
    {39, 32, 17, mxfp4},   {16, 256, 66, iq2_xxs}, {17, 256, 74, iq2_xs}, {22, 256, 82, iq2_s}, {18, 256, 98, iq3_xxs},
    {21, 256, 110, iq3_s}, {19, 256, 50, iq1_s},   {29, 256, 56, iq1_m},  {34, 256, 54, tq1_0}, {35, 256, 66, tq2_0},
    {40, 64, 36, nvfp4},
};

const Format& find_format(const linnet::gguf::TensorInfo& tensor) {
    for (const Format& format : kFormats) {
        if (format.type == static_cast<std::uint32_t>(tensor.type)) return format;
    }
    throw std::runtime_error("reference: no definition of the type of tensor " + std::string(tensor.name));
}

}  // namespace

Matrix read_tensor(const linnet::gguf::File& file, const linnet::gguf::TensorInfo& tensor) {
    const Format& format = find_format(tensor);
    if (tensor.shape[0] % format.block_size != 0 ||
        tensor.size != tensor.n_elements / format.block_size * format.block_bytes) {
        throw std::runtime_error("reference: the shape of tensor " + std::string(tensor.name));
    }
    std::vector<std::byte> bytes(tensor.size);
    file.read_tensor(tensor, 0, bytes);

    const std::uint64_t n_rows = tensor.n_elements / std::max<std::uint64_t>(tensor.shape[0], 1);
    Matrix result(static_cast<Eigen::Index>(n_rows), static_cast<Eigen::Index>(tensor.shape[0]));
    for (std::size_t i = 0; i < tensor.n_elements; ++i) {
        const Block block(bytes.data() + i / format.block_size * format.block_bytes);
        result.data()[i] = format.element(block, i % format.block_size);
    }
    return result;
}

}  // namespace reference
