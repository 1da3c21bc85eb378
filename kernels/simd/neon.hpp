// SPDX-License-Identifier: MIT
// NEON as every AArch64 processor has it: 16 lanes are four 128-bit registers, lane i in element i % 4 of register i
// / 4.
#pragma once

#include <arm_neon.h>

#include "kernels/simd/xsimd_lanes.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct Neon : XsimdLanes<xsimd::neon64> {
    // 32 registers: 16 accumulators, 4 sums, the rest for weights and activations.
    static constexpr int kColumns = 4;
    static constexpr int kHalfColumns = 4;
    static constexpr int kFloatColumns = 6;
    static constexpr int kAttentionColumns = 3;
    static constexpr int kTiles = 1;
    template <int max>
    static constexpr int kGroupsAtOnce = 8;
    static constexpr bool kTakesOffset = false;

    struct Bytes {
        uint8x16_t v[4];
    };

    template <class Op>
    static Bytes each_bytes(Op op) {
        return {{op(0), op(1), op(2), op(3)}};
    }

    // ---- Floats
    static Floats fma(Floats a, Floats b, Floats c) {
        return each([&](int i) { return vfmaq_f32(c.v[i], a.v[i], b.v[i]); });
    }
    // xsimd's is an approximation.
    static Floats div(Floats a, Floats b) {
        return each([&](int i) { return vdivq_f32(a.v[i], b.v[i]); });
    }
    static Floats load_f16(const std::uint16_t* p) {
        return each([=](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))); });
    }
    static void store_f16(std::uint16_t* p, Floats a) {
        for (int i = 0; i < 4; ++i) vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(a.v[i])));
    }
    static Floats load_bf16(const std::uint16_t* p) {
        return each([=](int i) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16)); });
    }
    // fmax and fmin pass a NaN on and order the zeros; these take b, as the definition does.
    static Floats select_less(Floats a, Floats b, Floats x, Floats y) {
        return each([&](int i) { return vbslq_f32(vcltq_f32(a.v[i], b.v[i]), x.v[i], y.v[i]); });
    }
    static Floats max(Floats a, Floats b) { return select_less(b, a, a, b); }
    static Floats min(Floats a, Floats b) { return select_less(a, b, a, b); }
    static Floats round(Floats a) {
        return each([&](int i) { return vrndnq_f32(a.v[i]); });
    }
    // The tree 8, 4, 2, 1.
    static float reduce_max(Floats a) {
        const auto greater = [](float32x4_t x, float32x4_t y) { return vbslq_f32(vcgtq_f32(x, y), x, y); };
        const float32x4_t m4 = greater(greater(a.v[0], a.v[2]), greater(a.v[1], a.v[3]));
        const float32x4_t m2 = greater(m4, vextq_f32(m4, m4, 2));
        return vgetq_lane_f32(greater(m2, vdupq_laneq_f32(m2, 1)), 0);
    }
    static float reduce_add(Floats a) {
        const float32x4_t s4 = vaddq_f32(vaddq_f32(a.v[0], a.v[2]), vaddq_f32(a.v[1], a.v[3]));
        const float32x2_t s2 = vadd_f32(vget_low_f32(s4), vget_high_f32(s4));
        return vget_lane_f32(s2, 0) + vget_lane_f32(s2, 1);
    }

    // ---- Ints
    static Ints widen_u8(const std::uint8_t* p) {
        const uint8x16_t bytes = vld1q_u8(p);
        const uint16x8_t low = vmovl_u8(vget_low_u8(bytes));
        const uint16x8_t high = vmovl_high_u8(bytes);
        const auto ints = [](uint32x4_t x) { return vreinterpretq_s32_u32(x); };
        return {{ints(vmovl_u16(vget_low_u16(low))), ints(vmovl_high_u16(low)), ints(vmovl_u16(vget_low_u16(high))),
                 ints(vmovl_high_u16(high))}};
    }
    static Ints widen_i8(const std::int8_t* p) {
        const int8x16_t bytes = vld1q_s8(p);
        const int16x8_t low = vmovl_s8(vget_low_s8(bytes));
        const int16x8_t high = vmovl_high_s8(bytes);
        return {
            {vmovl_s16(vget_low_s16(low)), vmovl_high_s16(low), vmovl_s16(vget_low_s16(high)), vmovl_high_s16(high)}};
    }
    static void narrow_i8(std::int8_t* p, Ints a) {
        const int16x8_t low = vmovn_high_s32(vmovn_s32(a.v[0]), a.v[1]);
        const int16x8_t high = vmovn_high_s32(vmovn_s32(a.v[2]), a.v[3]);
        vst1q_s8(p, vmovn_high_s16(vmovn_s16(low), high));
    }
    static Ints shift_left_ints(Ints a, int n) {
        return each_int([&](int i) { return vshlq_s32(a.v[i], vdupq_n_s32(n)); });
    }
    static Ints shift_right(Ints a, int n) {
        return each_int(
            [&](int i) { return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a.v[i]), vdupq_n_s32(-n))); });
    }
    static void store_block(std::int8_t* p, Ints low, Ints high, std::int32_t& sum_low, std::int32_t& sum_high) {
        narrow_i8(p, low);
        narrow_i8(p + 16, high);
        sum_low = vaddlvq_s8(vld1q_s8(p));
        sum_high = vaddlvq_s8(vld1q_s8(p + 16));
    }
    static Floats power_of_two(Ints n) {
        return each([&](int i) { return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n.v[i], vdupq_n_s32(127)), 23)); });
    }

    // ---- Bytes
    static Bytes load_bytes(const std::uint8_t* p) {
        return each_bytes([=](int i) { return vld1q_u8(p + 16 * i); });
    }
    static Bytes or_bytes(Bytes a, Bytes b) {
        return each_bytes([&](int i) { return vorrq_u8(a.v[i], b.v[i]); });
    }
    static Bytes xor_bytes(Bytes a, Bytes b) {
        return each_bytes([&](int i) { return veorq_u8(a.v[i], b.v[i]); });
    }
    template <int right>
    static Bytes field(Bytes a, std::uint8_t mask) {
        return each_bytes([&](int i) {
            uint8x16_t x = a.v[i];
            if constexpr (right > 0) x = vshrq_n_u8(x, right);
            return vandq_u8(x, vdupq_n_u8(mask));
        });
    }
    template <int left>
    static Bytes shift_left(Bytes a) {
        return each_bytes([&](int i) { return vshlq_n_u8(a.v[i], left); });
    }
    static Bytes look_up(const std::uint8_t (&table)[16], Bytes a) {
        const uint8x16_t t = vld1q_u8(table);
        return each_bytes([&](int i) { return vqtbl1q_u8(t, a.v[i]); });
    }

    static void store_bytes(std::uint8_t* p, Bytes a) {
        for (int i = 0; i < 4; ++i) vst1q_u8(p + 16 * i, a.v[i]);
    }
    static Ints as_ints(Bytes a) {
        return each_int([&](int i) { return vreinterpretq_s32_u8(a.v[i]); });
    }
    static Bytes as_bytes(Ints a) {
        return each_bytes([&](int i) { return vreinterpretq_u8_s32(a.v[i]); });
    }
    static Bytes gather(const Rows& rows, std::size_t offset) {
        std::uint8_t bytes[64];
        for (int row = 0; row < 16; ++row) std::memcpy(bytes + 4 * row, rows.base + rows.offset[row] + offset, 4);
        return load_bytes(bytes);
    }
    static void store_transposed(std::uint8_t (*p)[16], Bytes a) {
        const uint8x16_t even[2] = {vuzp1q_u8(a.v[0], a.v[1]), vuzp1q_u8(a.v[2], a.v[3])};
        const uint8x16_t odd[2] = {vuzp2q_u8(a.v[0], a.v[1]), vuzp2q_u8(a.v[2], a.v[3])};
        vst1q_u8(p[0], vuzp1q_u8(even[0], even[1]));
        vst1q_u8(p[1], vuzp1q_u8(odd[0], odd[1]));
        vst1q_u8(p[2], vuzp2q_u8(even[0], even[1]));
        vst1q_u8(p[3], vuzp2q_u8(odd[0], odd[1]));
    }

    // Weights as signed bytes: those up to 127 as they are; 0..255 become w - 128, which is one exclusive or ...
    template <int max>
    static int8x16_t signed_weights(uint8x16_t w) {
        if constexpr (max > 127) w = veorq_u8(w, vdupq_n_u8(0x80));
        return vreinterpretq_s8_u8(w);
    }
    // ... and 128 * sum(x) over the 4 n activations is left out.
    template <int max, int n>
    static int32x4_t left_out(const std::int8_t* x) {
        std::int32_t sum = 0;
        if constexpr (max > 127) {
            for (int g = 0; g < n; g += 4) sum += vaddlvq_s8(vld1q_s8(x + 4 * g));
        }
        return vdupq_n_s32(128 * sum);
    }

    // Products of a register's rows 0 and 1 (low half), 2 and 3 (high half) add up in int16 over kGroups groups:
    //     max <= 15:  8 * 15 * 127 = 15240          max <= 31:  8 * 31 * 127 = 31496
    //     max <= 63:  4 * 63 * 127 = 32004          above:      2 * 128 * 127 = 32512 (|w| <= 128 as a signed byte)
    // Then pairs are added into int32, and pairs of these at the end: 0 0 1 1 and 2 2 3 3 become 0 1 2 3. The
    // multiplies are what limits this: two smlal for 16 products, of which the processors issue one or two per cycle.
    template <int max, int n>
    static Ints dot(Ints start, const Bytes* w, const std::int8_t* x) {
        constexpr int kGroups = max <= 31 ? 8 : max <= 63 ? 4 : 2;
        const int32x4_t back = left_out<max, n>(x);
        return each_int([&](int i) {
            int32x4_t low = vdupq_n_s32(0);
            int32x4_t high = vdupq_n_s32(0);
            for (int g0 = 0; g0 < n; g0 += kGroups) {
                int16x8_t low_words = vdupq_n_s16(0);
                int16x8_t high_words = vdupq_n_s16(0);
                for (int g = g0; g < n && g < g0 + kGroups; ++g) {
                    const int8x16_t ws = signed_weights<max>(w[g].v[i]);
                    const int8x16_t xs = broadcast_group(x + 4 * g);
                    low_words = vmlal_s8(low_words, vget_low_s8(ws), vget_low_s8(xs));
                    high_words = vmlal_high_s8(high_words, ws, xs);
                }
                low = vpadalq_s16(low, low_words);
                high = vpadalq_s16(high, high_words);
            }
            return vaddq_s32(vaddq_s32(start.v[i], back), vpaddq_s32(low, high));
        });
    }

    // 0..127 are signed bytes, too.
    template <int n>
    static Ints dot_signed(Ints start, const Bytes* v, const std::uint8_t* p) {
        return dot<127, n>(start, v, reinterpret_cast<const std::int8_t*>(p));
    }

    static int8x16_t broadcast_group(const std::int8_t* x) {
        std::int32_t group;
        std::memcpy(&group, x, 4);
        return vreinterpretq_s8_s32(vdupq_n_s32(group));
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
