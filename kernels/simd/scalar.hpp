// SPDX-License-Identifier: MIT
// The vector vocabulary of the kernels in plain C++: 16 lanes, one per row (or key, or dimension). This file is the
// definition of every operation; the other files of this folder provide the same names with the same bits.
//
//     Floats  16 f32      Ints  16 int32      Bytes  16 rows x 4 uint8 (one group of 4 along k)
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct Scalar {
    // Shape of the micro-kernels: columns of activations and tiles of weights at once. One is all that the definition
    // needs.
    static constexpr int kColumns = 1;
    static constexpr int kHalfColumns = 1;   // formats with two scales per block
    static constexpr int kFloatColumns = 1;  // float weights
    static constexpr int kAttentionColumns = 1;
    static constexpr int kTiles = 1;

    // Groups of weights (0..max) that are unpacked and used at once, or added up in 16 bits by an instruction set that
    // has such sums (Words: avx2.hpp).
    template <int max>
    static constexpr int kGroupsAtOnce = 8;
    // Whether dot() takes weights above 127 for signed ones, w - 128: their offset then needs no other treatment.
    static constexpr bool kTakesOffset = false;

    struct Floats {
        float v[16];
    };
    struct Ints {
        std::int32_t v[16];
    };
    struct Bytes {
        std::uint8_t v[64];
    };

    template <class F>
    static Floats each(F f) {
        Floats r;
        for (int i = 0; i < 16; ++i) r.v[i] = f(i);
        return r;
    }
    template <class F>
    static Ints each_int(F f) {
        Ints r;
        for (int i = 0; i < 16; ++i) r.v[i] = f(i);
        return r;
    }
    template <class F>
    static Bytes each_byte(F f) {
        Bytes r;
        for (int i = 0; i < 64; ++i) r.v[i] = static_cast<std::uint8_t>(f(i));
        return r;
    }

    // ---- Floats
    static Floats zero() { return broadcast(0.0F); }
    static Floats broadcast(float x) {
        return each([=](int) { return x; });
    }
    static Floats load(const float* p) {
        return each([=](int i) { return p[i]; });
    }
    static void store(float* p, Floats a) { std::memcpy(p, a.v, sizeof a.v); }
    static Floats load_f16(const std::uint16_t* p) {
        return each([=](int i) { return half_to_float(p[i]); });
    }
    static void store_f16(std::uint16_t* p, Floats a) {
        for (int i = 0; i < 16; ++i) p[i] = float_to_half(a.v[i]);
    }
    static Floats load_bf16(const std::uint16_t* p) {
        return each([=](int i) { return bits_to_float(static_cast<std::uint32_t>(p[i]) << 16); });
    }
    static Floats add(Floats a, Floats b) {
        return each([&](int i) { return a.v[i] + b.v[i]; });
    }
    static Floats sub(Floats a, Floats b) {
        return each([&](int i) { return a.v[i] - b.v[i]; });
    }
    static Floats mul(Floats a, Floats b) {
        return each([&](int i) { return a.v[i] * b.v[i]; });
    }
    static Floats div(Floats a, Floats b) {
        return each([&](int i) { return a.v[i] / b.v[i]; });
    }
    // a * b + c, rounded once.
    static Floats fma(Floats a, Floats b, Floats c) {
        return each([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
    }
    // b where a is NaN or not greater.
    static Floats max(Floats a, Floats b) {
        return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
    }
    static Floats min(Floats a, Floats b) {
        return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
    }
    static Floats abs(Floats a) {
        return each([&](int i) { return bits_to_float(float_to_bits(a.v[i]) & 0x7fffffffU); });
    }
    // To nearest, ties to even.
    static Floats round(Floats a) {
        return each([&](int i) { return __builtin_rintf(a.v[i]); });
    }
    // a < b ? x : y
    static Floats select_less(Floats a, Floats b, Floats x, Floats y) {
        return each([&](int i) { return a.v[i] < b.v[i] ? x.v[i] : y.v[i]; });
    }
    static float reduce_max(Floats a) {
        for (int n = 8; n > 0; n /= 2) {
            for (int i = 0; i < n; ++i) a.v[i] = a.v[i] > a.v[i + n] ? a.v[i] : a.v[i + n];
        }
        return a.v[0];
    }
    // The fixed tree of all sums over lanes: i + (i + 8), then 4, 2, 1.
    static float reduce_add(Floats a) {
        for (int n = 8; n > 0; n /= 2) {
            for (int i = 0; i < n; ++i) a.v[i] += a.v[i + n];
        }
        return a.v[0];
    }

    // ---- Ints
    static Ints broadcast_int(std::int32_t x) {
        return each_int([=](int) { return x; });
    }
    static Ints widen_u8(const std::uint8_t* p) {
        return each_int([=](int i) { return p[i]; });
    }
    static Ints widen_i8(const std::int8_t* p) {
        return each_int([=](int i) { return p[i]; });
    }
    static void narrow_i8(std::int8_t* p, Ints a) {
        for (int i = 0; i < 16; ++i) p[i] = static_cast<std::int8_t>(a.v[i]);
    }
    static Ints add_ints(Ints a, Ints b) {
        return each_int([&](int i) { return a.v[i] + b.v[i]; });
    }
    static Ints mul_ints(Ints a, Ints b) {
        return each_int([&](int i) { return a.v[i] * b.v[i]; });
    }
    static Ints and_ints(Ints a, std::int32_t mask) {
        return each_int([&](int i) { return a.v[i] & mask; });
    }
    static Ints or_ints(Ints a, Ints b) {
        return each_int([&](int i) { return a.v[i] | b.v[i]; });
    }
    static Ints shift_left_ints(Ints a, int n) {
        return each_int([&](int i) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v[i]) << n); });
    }
    static Ints shift_right(Ints a, int n) {
        return each_int([&](int i) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v[i]) >> n); });
    }
    // Stores 32 values of -127..127, and gives the sums of either half.
    static void store_block(std::int8_t* p, Ints low, Ints high, std::int32_t& sum_low, std::int32_t& sum_high) {
        narrow_i8(p, low);
        narrow_i8(p + 16, high);
        sum_low = sum_high = 0;
        for (int i = 0; i < 16; ++i) {
            sum_low += low.v[i];
            sum_high += high.v[i];
        }
    }
    static Floats from_ints(Ints a) {
        return each([&](int i) { return static_cast<float>(a.v[i]); });
    }
    // Of integral values in the range of int32.
    static Ints to_ints(Floats a) {
        return each_int([&](int i) { return static_cast<std::int32_t>(a.v[i]); });
    }
    // 2^n for n in -126..127.
    static Floats power_of_two(Ints n) {
        return each([&](int i) { return bits_to_float(static_cast<std::uint32_t>(n.v[i] + 127) << 23); });
    }

    // ---- Bytes
    static Bytes load_bytes(const std::uint8_t* p) {
        return each_byte([=](int i) { return p[i]; });
    }
    static Bytes or_bytes(Bytes a, Bytes b) {
        return each_byte([&](int i) { return a.v[i] | b.v[i]; });
    }
    static Bytes xor_bytes(Bytes a, Bytes b) {
        return each_byte([&](int i) { return a.v[i] ^ b.v[i]; });
    }
    // (byte >> right) & mask, where mask has no bits that the shift would bring in from a neighbour.
    template <int right>
    static Bytes field(Bytes a, std::uint8_t mask) {
        return each_byte([&](int i) { return (a.v[i] >> right) & mask; });
    }
    // The result must fit 8 bits.
    template <int left>
    static Bytes shift_left(Bytes a) {
        return each_byte([&](int i) { return a.v[i] << left; });
    }
    // table[byte] for bytes 0..15.
    static Bytes look_up(const std::uint8_t (&table)[16], Bytes a) {
        return each_byte([&](int i) { return table[a.v[i]]; });
    }

    static void store_bytes(std::uint8_t* p, Bytes a) { std::memcpy(p, a.v, sizeof a.v); }
    static Ints as_ints(Bytes a) {
        Ints r;
        std::memcpy(r.v, a.v, sizeof r.v);
        return r;
    }
    static Bytes as_bytes(Ints a) {
        Bytes r;
        std::memcpy(r.v, a.v, sizeof r.v);
        return r;
    }
    // 4 bytes of each of 16 rows.
    static Bytes gather(const Rows& rows, std::size_t offset) {
        Bytes r;
        for (int row = 0; row < 16; ++row) std::memcpy(r.v + 4 * row, rows.base + rows.offset[row] + offset, 4);
        return r;
    }
    // Byte j of every row to p[j][0..15].
    static void store_transposed(std::uint8_t (*p)[16], Bytes a) {
        for (int row = 0; row < 16; ++row) {
            for (int j = 0; j < 4; ++j) p[j][row] = a.v[4 * row + j];
        }
    }

    // start + the dot products of n groups of unsigned weights (0..max) with 4 n activations (-127..127): exact.
    template <int max, int n>
    static Ints dot(Ints start, const Bytes* w, const std::int8_t* x) {
        for (int g = 0; g < n; ++g) {
            for (int row = 0; row < 16; ++row) {
                for (int j = 0; j < 4; ++j) start.v[row] += w[g].v[4 * row + j] * x[4 * g + j];
            }
        }
        return start;
    }

    // start + the dot products of n groups of signed bytes (-127..127) with 4 n unsigned ones (0..127): exact.
    template <int n>
    static Ints dot_signed(Ints start, const Bytes* v, const std::uint8_t* p) {
        for (int g = 0; g < n; ++g) {
            for (int row = 0; row < 16; ++row) {
                for (int j = 0; j < 4; ++j)
                    start.v[row] += static_cast<std::int8_t>(v[g].v[4 * row + j]) * p[4 * g + j];
            }
        }
        return start;
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
