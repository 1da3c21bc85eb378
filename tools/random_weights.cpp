// SPDX-License-Identifier: MIT
// Quantised blocks are random bytes whose scales are then set, such that the deviation comes out right; floats are
// random bits whose exponent is then set. Nothing is converted, so it goes at the speed of the generator.
#include "tools/random_weights.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

namespace tools {

namespace {

// A finite, not negative number as f16, rounded down to zero below the least subnormal.
std::uint16_t to_f16(double value) noexcept {
    int exponent = 0;
    const double fraction = std::frexp(value, &exponent);  // value = fraction * 2^exponent, fraction in [0.5, 1)
    if (exponent < -13) return static_cast<std::uint16_t>(std::ldexp(value, 24));
    const auto mantissa =
        static_cast<unsigned>(std::lround((fraction * 2 - 1) * 1024));  // 1024 carries over, as it should
    return static_cast<std::uint16_t>((static_cast<unsigned>(exponent + 14) << 10U) + mantissa);
}

enum class Scale {
    f16,
    e8m0,       // a power of two: a byte, biased by 128 as the quants count halves
    scattered,  // f16 in the top nibbles of four words of 16 bits
};

// Where a block's scales are, and what they are for weights of deviation 1: with d the first of them and quants
// (and integer sub-scales) uniform, d is 1 / (standard deviation of what it multiplies); the second one, if any, moves
// the mean to 0.
struct Blocks {
    std::string_view type;
    std::size_t bytes;
    std::size_t d_offset;
    double d;
    double second = 0;  // follows d; 0: there is none
    Scale scale = Scale::f16;
};
constexpr Blocks kBlocks[] = {
    {"Q8_0", 34, 0, 1 / 73.9},
    {"Q4_0", 18, 0, 1 / 4.61},
    {"Q4_1", 20, 0, 1 / 4.61, -7.5 / 4.61},
    {"Q5_0", 22, 0, 1 / 9.23},
    {"Q5_1", 24, 0, 1 / 9.23, -15.5 / 9.23},
    {"Q4_K", 144, 0, 1 / 258.0, 7.5 / 258.0},
    {"Q5_K", 176, 0, 1 / 527.0, 15.5 / 527.0},
    {"Q6_K", 210, 208, 1 / 1367.0},
    {"Q2_K", 84, 80, 1 / 13.9, 1.5 / 13.9},
    {"Q3_K", 110, 108, 1 / 43.3},
    {"IQ1_S", 50, 0, 1 / 7.19},
    {"IQ1_M", 56, 48, 1 / 7.23, 0, Scale::scattered},
    {"IQ2_XXS", 66, 0, 1 / 53.3},
    {"IQ2_XS", 74, 0, 1 / 56.0},
    {"IQ2_S", 82, 0, 1 / 56.6},
    {"IQ3_XXS", 98, 0, 1 / 143.0},
    {"IQ3_S", 110, 0, 1 / 141.0},
    {"IQ4_NL", 18, 0, 1 / 67.3},
    {"IQ4_XS", 136, 0, 1 / 1252.0},
    {"TQ1_0", 54, 52, 1 / 0.818},
    {"TQ2_0", 66, 64, 1 / 1.12},
    {"MXFP4", 17, 0, 1 / 5.85, 0, Scale::e8m0},
};

// One exponent for all: magnitudes uniform in [2^e, 2^(e + 1)), whose root mean square is 1.53 * 2^e.
struct Floats {
    std::string_view type;
    std::size_t bytes;
    unsigned mantissa_bits;
    int bias;
};
constexpr Floats kFloats[] = {{"F32", 4, 23, 127}, {"F16", 2, 10, 15}, {"BF16", 2, 7, 127}};

void put(Scale scale, std::byte* target, double value) noexcept {
    const auto bits = static_cast<std::uint16_t>(to_f16(std::abs(value)) | (value < 0 ? 0x8000U : 0U));
    switch (scale) {
        case Scale::f16: std::memcpy(target, &bits, sizeof bits); break;
        case Scale::e8m0: *target = static_cast<std::byte>(std::lround(std::log2(value)) + 128); break;
        case Scale::scattered:
            for (unsigned i = 0; i < 4; ++i) {
                std::byte& top = target[2 * i + 1];
                top = (top & std::byte{0x0f}) | static_cast<std::byte>((bits >> 4 * i & 15U) << 4U);
            }
            break;
    }
}

void fill_bytes(Random& random, std::span<std::byte> bytes) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
        const std::uint64_t word = random.next();
        std::memcpy(bytes.data() + i, &word, sizeof word);
    }
    if (i == bytes.size()) return;
    const std::uint64_t word = random.next();
    std::memcpy(bytes.data() + i, &word, bytes.size() - i);
}

template <class Word>
void set_exponents(const Floats& format, double deviation, std::span<std::byte> bytes) noexcept {
    const int exponent = std::ilogb(deviation / 1.53 * std::sqrt(2.0)) + format.bias;
    const auto field =
        static_cast<Word>(static_cast<std::uint32_t>(exponent < 1 ? 1 : exponent) << format.mantissa_bits);
    constexpr auto kSign = static_cast<Word>(1U << (8 * sizeof(Word) - 1));
    const auto keep = static_cast<Word>(kSign | ((1U << format.mantissa_bits) - 1U));
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(Word)) {
        Word word;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        word = static_cast<Word>((word & keep) | field);
        std::memcpy(bytes.data() + i, &word, sizeof word);
    }
}

}  // namespace

Random::Random(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {
        seed += 0x9e3779b97f4a7c15U;
        word = (seed ^ (seed >> 30U)) * 0xbf58476d1ce4e5b9U;
        word = (word ^ (word >> 27U)) * 0x94d049bb133111ebU;
        word ^= word >> 31U;
    }
}

std::uint64_t Random::next() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

void fill_random(std::string_view type, double deviation, Random& random, std::span<std::byte> blocks) {
    for (const Floats& format : kFloats) {
        if (format.type != type) continue;
        fill_bytes(random, blocks);
        format.bytes == 4 ? set_exponents<std::uint32_t>(format, deviation, blocks)
                          : set_exponents<std::uint16_t>(format, deviation, blocks);
        return;
    }
    for (const Blocks& format : kBlocks) {
        if (format.type != type) continue;
        fill_bytes(random, blocks);
        for (std::size_t i = 0; i < blocks.size(); i += format.bytes) {
            std::byte* const d = blocks.data() + i + format.d_offset;
            put(format.scale, d, format.d * deviation);
            if (format.second != 0) put(format.scale, d + 2, format.second * deviation);
        }
        return;
    }
    throw std::invalid_argument("no random weights of type " + std::string(type));
}

}  // namespace tools
