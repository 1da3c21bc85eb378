// SPDX-License-Identifier: MIT
// NEON with FEAT_I8MM: usdot multiplies unsigned weights with signed activations, which is what R16 tiles hold. It has
// sdot's rate (Arm's optimization guides: 2 a cycle on Cortex-A720, 4 on Neoverse V2), so what it saves is the work
// around weights up to 255: the exclusive or per register and the sum of the activations. smmla and usmmla have the
// same rate with twice the products, 2 rows x 2 columns x 8. One column, as dot() has it, would leave half of them
// unused and add the zips which make operands of 8 weights from two groups: no gain over usdot.
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
