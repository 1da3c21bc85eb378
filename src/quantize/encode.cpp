// SPDX-License-Identifier: MIT
// The table of encoders: rows as blocks. How well a block is encoded is decided in simple_blocks.cpp and
// super_blocks.cpp.
#include "quantize/encode.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "quantize/encode_blocks.hpp"
#include "quantize/half.hpp"

namespace linnet::quantize {

namespace {

constexpr std::array<float, 256> make_ones() {
    std::array<float, 256> ones{};
    for (float& one : ones) one = 1.0F;
    return ones;
}
constexpr std::array<float, 256> kOnes = make_ones();

template <class Block, std::size_t n_weights>
void encode_blocks(const float* x, const float* importance, std::size_t n, std::byte* blocks) noexcept {
    static_assert(n_weights <= kOnes.size());
    for (std::size_t k = 0; k < n; k += n_weights) {
        Block block;
        encode_block(x + k, importance != nullptr ? importance + k : kOnes.data(), block);
        std::memcpy(blocks + k / n_weights * sizeof block, &block, sizeof block);
    }
}

void encode_f32(const float* x, const float*, std::size_t n, std::byte* blocks) noexcept {
    std::memcpy(blocks, x, n * sizeof *x);
}

template <std::uint16_t (*convert)(float) noexcept>
void encode_16_bits(const float* x, const float*, std::size_t n, std::byte* blocks) noexcept {
    for (std::size_t k = 0; k < n; ++k) {
        const std::uint16_t bits = convert(x[k]);
        std::memcpy(blocks + 2 * k, &bits, sizeof bits);
    }
}

constexpr float kAny = std::numeric_limits<float>::infinity();

constexpr Encoder kEncoders[] = {
    {"F32", kAny, encode_f32},
    {"F16", kMaxHalf, encode_16_bits<to_half>},
    {"BF16", kAny, encode_16_bits<to_bfloat>},
    {"Q4_0", kMaxHalf, encode_blocks<BlockQ4_0, 32>},
    {"Q4_1", kMaxHalf, encode_blocks<BlockQ4_1, 32>},
    {"Q5_0", kMaxHalf, encode_blocks<BlockQ5_0, 32>},
    {"Q5_1", kMaxHalf, encode_blocks<BlockQ5_1, 32>},
    {"Q8_0", kMaxHalf, encode_blocks<BlockQ8_0, 32>},
    {"IQ4_NL", kMaxHalf, encode_blocks<BlockIQ4_NL, 32>},
    {"Q4_K", kMaxHalf, encode_blocks<BlockQ4_K, 256>},
    {"Q5_K", kMaxHalf, encode_blocks<BlockQ5_K, 256>},
    {"Q6_K", kMaxHalf, encode_blocks<BlockQ6_K, 256>},
    {"IQ4_XS", kMaxHalf, encode_blocks<BlockIQ4_XS, 256>},
};

}  // namespace

const Encoder* find_encoder(gguf::TensorType type) noexcept {
    const gguf::TensorTypeInfo* info = gguf::find_type(type);
    if (info == nullptr) return nullptr;
    for (const Encoder& encoder : kEncoders) {
        if (encoder.type == info->name) return &encoder;
    }
    return nullptr;
}

}  // namespace linnet::quantize
