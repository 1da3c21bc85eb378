// SPDX-License-Identifier: MIT
// MXFP4 (E2M1 of the OCP microscaling formats): 32 weights w = 2^(e - 128) * value[q]; q in 0..15, values the doubled
// 4-bit floats 0 .. 12, e a byte. Byte j holds weight j low, weight j + 16 high. e = 255, which OCP calls NaN, is 2^127
// as it is elsewhere; 2^-128 and 2^-127 are subnormal and exact.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct mxfp4 {
    static constexpr std::uint32_t kGgufType = 39;
    static constexpr std::size_t kBlock = 32;
    static constexpr int kOffsetBits = 4;  // looked up as value + 16
    static constexpr int kMaxQuant = 28;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;
    static constexpr std::uint8_t kValues[16] = {16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4};

    struct Block {
        std::uint8_t e;
        std::uint8_t q[16];
    };
    struct Tile {
        Nibbles q;
        std::uint8_t e[16];
    };

    static float value(unsigned q) { return static_cast<float>(kValues[q] - 16); }
    static void decode(const Block& b, float* y) {
        const float d = bits_to_float(b.e < 2 ? 0x00200000U << b.e : (b.e - 1U) << 23);
        for (std::size_t k = 0; k < 16; ++k) {
            y[k] = d * value(b.q[k] & 15U);
            y[k + 16] = d * value(b.q[k] >> 4U);
        }
    }
    // The file's nibble order is the tile's.
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        for (int row = 0; row < 16; ++row) std::memcpy(t.e + row, rows.base + rows.offset[row], 1);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, b.q);
        b.e = t.e[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        void open(const Tile& t) { tile = &t; }
        void select(std::size_t) {}
        template <int g>
        typename V::Bytes group() const {
            return V::look_up(kValues, tile->q.template group<V, g>());
        }
        // As the product of two powers whose exponents, -64..63 and -64..64, are in the range of power_of_two().
        typename V::Floats scale() const {
            const auto e = V::widen_u8(tile->e);
            const auto bias = V::broadcast_int(-64);
            const auto half = V::shift_right(e, 1);
            const auto rest = V::add_ints(half, V::and_ints(e, 1));
            return V::mul(V::power_of_two(V::add_ints(half, bias)), V::power_of_two(V::add_ints(rest, bias)));
        }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
