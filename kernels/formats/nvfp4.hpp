// SPDX-License-Identifier: MIT
// NVFP4: 64 weights in 4 sub-blocks of 16, w = scale / 2 * value[q] with the values of MXFP4, the doubled 4-bit floats;
// scales are floats of 4 exponent bits (bias 7) and 3 of fraction, whose NaN (0x7f) stands for 0 and whose eighth bit
// does not count. Sub-block: 8 bytes, byte j holds weight j low, weight j + 8 high. Scales differ by up to 2^17, so
// they stay floats: each half of a block of 32 has a multiply-add of its own. 4 bits of scale and 4 of value: exact in
// f32.
#pragma once

#include "kernels/formats/mxfp4.hpp"
#include "kernels/formats/points.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct nvfp4 {
    static constexpr std::uint32_t kGgufType = 40;
    static constexpr std::size_t kBlock = 64;
    static constexpr int kOffsetBits = mxfp4::kOffsetBits;
    static constexpr int kMaxQuant = mxfp4::kMaxQuant;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;
    static constexpr bool kCostlyUnpack = true;

    struct Block {
        std::uint8_t scales[4];
        std::uint8_t q[32];
    };
    struct Tile {
        Words<8> q;
        std::uint8_t scales[4][16];  // [sub-block][row], 0 instead of 0x7f
    };

    static void decode(const Block& b, float* y) {
        for (std::size_t k = 0; k < 64; ++k) {
            const unsigned scale = b.scales[k / 16] == 0x7f ? 0 : b.scales[k / 16] & 0x7fU;
            const unsigned exponent = scale >> 3;
            const unsigned mantissa = (scale & 7U) | (exponent != 0 ? 8U : 0U);
            const float power = bits_to_float((exponent + (exponent != 0 ? 116U : 117U)) << 23);  // of the unit, halved
            const unsigned byte = b.q[k / 16 * 8 + k % 8];
            y[k] = static_cast<float>(mantissa) * power * mxfp4::value(k % 16 < 8 ? byte & 15U : byte >> 4);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        V::store_transposed(t.scales, V::gather(rows, offsetof(Block, scales)));
        for (auto& sub : t.scales) {
            for (std::uint8_t& scale : sub) scale = scale == 0x7f ? 0 : scale;
        }
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, b.q);
        for (std::size_t i = 0; i < 4; ++i) b.scales[i] = t.scales[i][row];
    }

    template <class V>
    struct Unpack {
        const std::uint8_t (*quants)[64];
        const std::uint8_t (*scales)[16];
        const Tile* tile;
        void open(const Tile& t) { tile = &t; }
        void select(std::size_t sub) {
            quants = tile->q.bytes + 4 * sub;
            scales = tile->scales + 2 * sub;
        }
        template <int g>
        typename V::Bytes group() const {
            const auto bytes = V::load_bytes(quants[g / 4 * 2 + g % 2]);
            return V::look_up(mxfp4::kValues, V::template field<g % 4 / 2 * 4>(bytes, 0x0f));
        }
        typename V::Floats first_scale() const { return half_scale(0); }
        typename V::Floats scale() const { return half_scale(1); }
        typename V::Floats half_scale(std::size_t half) const {
            const auto scale = V::widen_u8(scales[half]);
            const auto exponent = V::and_ints(V::shift_right(scale, 3), 15);
            const auto normal = V::shift_right(V::add_ints(exponent, V::broadcast_int(15)), 4);  // 1 or 0
            const auto mantissa = V::or_ints(V::and_ints(scale, 7), V::shift_left_ints(normal, 3));
            const auto power = V::add_ints(exponent, V::mul_ints(normal, V::broadcast_int(-1)));
            return V::mul(V::from_ints(mantissa), V::power_of_two(V::add_ints(power, V::broadcast_int(-10))));
        }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
