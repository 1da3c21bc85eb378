// SPDX-License-Identifier: MIT
// The definitions of the tensor formats, each as one formula: element i of a block. Numbers in a block are
// little-endian; "d" and "m" are half floats. All products below are exact in double.
#include "tests/reference/weights.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

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
    {0, 1, 4, f32},       {1, 1, 2, f16},       {30, 1, 2, bf16},       {2, 32, 18, q4_0},
    {3, 32, 20, q4_1},    {6, 32, 22, q5_0},    {7, 32, 24, q5_1},      {8, 32, 34, q8_0},
    {12, 256, 144, q4_k}, {13, 256, 176, q5_k}, {14, 256, 210, q6_k},   {10, 256, 84, q2_k},
    {11, 256, 110, q3_k}, {20, 32, 18, iq4_nl}, {23, 256, 136, iq4_xs}, {39, 32, 17, mxfp4},
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
    if (tensor.n_dims > 2 || tensor.shape[0] % format.block_size != 0 ||
        tensor.size != tensor.n_elements / format.block_size * format.block_bytes) {
        throw std::runtime_error("reference: the shape of tensor " + std::string(tensor.name));
    }
    std::vector<std::byte> bytes(tensor.size);
    file.read_tensor(tensor, 0, bytes);

    Matrix result(static_cast<Eigen::Index>(tensor.shape[1]), static_cast<Eigen::Index>(tensor.shape[0]));
    for (std::size_t i = 0; i < tensor.n_elements; ++i) {
        const Block block(bytes.data() + i / format.block_size * format.block_bytes);
        result.data()[i] = format.element(block, i % format.block_size);
    }
    return result;
}

}  // namespace reference
