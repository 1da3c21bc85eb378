// SPDX-License-Identifier: MIT
// NEON with FEAT_DotProd: sdot adds the four products of a group straight into 4 rows' int32, taking the group of
// activations as a lane of a register, so that 16 activations are one load and no broadcast.
#pragma once

#include "kernels/simd/neon.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct NeonDotprod : Neon {
    template <int max, int n>
    static Ints dot(Ints start, const Bytes* w, const std::int8_t* x) {
        static_assert(n % 4 == 0);
        int32x4_t back = vdupq_n_s32(0);
        if constexpr (max > 127) back = left_out<n>(x);
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
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
