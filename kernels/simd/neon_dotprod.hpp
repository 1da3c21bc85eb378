// SPDX-License-Identifier: MIT
// NEON with FEAT_DotProd: sdot adds the four products of a group straight to 4 rows' int32 and takes the activations of
// a group as one lane of a register, so that 16 activations are one load and no broadcast. Arm's optimization guides
// give 16 products at 2 (Cortex-A720) or 4 (Neoverse V2) a cycle, four times the rate of widening multiplies. Its
// latency is 3, but 1 between additions to the same sum: the four sums of one column suffice.
#pragma once

#include "kernels/simd/neon.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct NeonDotprod : Neon {
    template <int max, int n>
    static Ints dot(Ints start, const Bytes* w, const std::int8_t* x) {
        static_assert(n % 4 == 0);
        const int32x4_t back = left_out<max, n>(x);
        int32x4_t sum[4];
        for (int i = 0; i < 4; ++i) sum[i] = vaddq_s32(start.v[i], back);
        for (int g = 0; g < n; g += 4) {
            const int8x16_t xs = vld1q_s8(x + 4 * g);
            for (int i = 0; i < 4; ++i) {
                sum[i] = vdotq_laneq_s32(sum[i], signed_weights<max>(w[g].v[i]), xs, 0);
                sum[i] = vdotq_laneq_s32(sum[i], signed_weights<max>(w[g + 1].v[i]), xs, 1);
                sum[i] = vdotq_laneq_s32(sum[i], signed_weights<max>(w[g + 2].v[i]), xs, 2);
                sum[i] = vdotq_laneq_s32(sum[i], signed_weights<max>(w[g + 3].v[i]), xs, 3);
            }
        }
        return {{sum[0], sum[1], sum[2], sum[3]}};
    }

    template <int n>
    static Ints dot_signed(Ints start, const Bytes* v, const std::uint8_t* p) {
        return dot<127, n>(start, v, reinterpret_cast<const std::int8_t*>(p));
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
