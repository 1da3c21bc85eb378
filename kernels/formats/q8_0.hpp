// SPDX-License-Identifier: MIT
// Q8_0: 32 weights w = d * q, q in -128..127, d in f16. Tiles hold q + 128, the unsigned side of dot products.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct q8_0 {
    static constexpr std::uint32_t kGgufType = 8;
    static constexpr std::size_t kBlock = 32;
    static constexpr int kOffsetBits = 7;
    static constexpr int kMaxQuant = 255;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;

    struct Block {
        std::uint16_t d;
        std::int8_t q[32];
    };
    struct Tile {
        std::uint8_t q[512];
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        for (std::size_t k = 0; k < 32; ++k) y[k] = d * static_cast<float>(b.q[k]);
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        const auto offset = V::as_bytes(V::broadcast_int(static_cast<std::int32_t>(0x80808080U)));
        for (std::size_t g = 0; g < 8; ++g) {
            V::store_bytes(t.q + 64 * g, V::xor_bytes(V::gather(rows, offsetof(Block, q) + 4 * g), offset));
        }
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        for (std::size_t k = 0; k < 32; ++k) b.q[k] = static_cast<std::int8_t>(t.q[lane(row, k)] ^ 0x80U);
        b.d = t.d[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        void open(const Tile& t) { tile = &t; }
        void select(std::size_t) {}
        template <int g>
        typename V::Bytes group() const {
            return V::load_bytes(tile->q + 64 * g);
        }
        typename V::Floats scale() const { return V::load_f16(tile->d); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
