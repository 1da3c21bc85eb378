// SPDX-License-Identifier: MIT
// NEON with FEAT_I8MM: usdot multiplies unsigned weights with signed activations, which is what R16 tiles hold.
#pragma once

#include "kernels/simd/neon_dotprod.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct NeonI8mm : NeonDotprod {
    template <int max, int n>
    static Ints dot(Ints start, const Bytes* w, const std::int8_t* x) {
        static_assert(n % 4 == 0);
        int32x4_t sum[4] = {start.v[0], start.v[1], start.v[2], start.v[3]};
        for (int g = 0; g < n; g += 4) {
            const int8x16_t xs = vld1q_s8(x + 4 * g);
            for (int i = 0; i < 4; ++i) {
                sum[i] = vusdotq_laneq_s32(sum[i], w[g].v[i], xs, 0);
                sum[i] = vusdotq_laneq_s32(sum[i], w[g + 1].v[i], xs, 1);
                sum[i] = vusdotq_laneq_s32(sum[i], w[g + 2].v[i], xs, 2);
                sum[i] = vusdotq_laneq_s32(sum[i], w[g + 3].v[i], xs, 3);
            }
        }
        return {{sum[0], sum[1], sum[2], sum[3]}};
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
