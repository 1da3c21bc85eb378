// SPDX-License-Identifier: MIT
// AVX2 with the 256-bit dot product of AVX-VNNI: no int16 in between, so no bounds to mind.
#pragma once

#include "kernels/simd/avx2.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct AvxVnni : Avx2 {
    // 10 integer accumulators, 2 of weights, 1 of activations; the float accumulators, which are needed once a block,
    // in memory.
    static constexpr int kColumns = 5;
    static constexpr int kHalfColumns = 5;
    template <int max>
    static constexpr int kGroupsAtOnce = 1;
    static constexpr bool kTakesOffset = false;

    template <int max, int n>
    [[gnu::always_inline]] static Ints dot(Ints start, const Bytes* w, const std::int8_t* x) {
        __m256i sum[2] = {start.v[0], start.v[1]};
#pragma GCC unroll 8
        for (int g = 0; g < n; ++g) {
            const __m256i xs = broadcast_group(x + 4 * g);
#pragma GCC unroll 2
            for (int i = 0; i < 2; ++i) sum[i] = _mm256_dpbusd_avx_epi32(sum[i], w[g].v[i], xs);
        }
        return {{sum[0], sum[1]}};
    }

    template <int n>
    [[gnu::always_inline]] static Ints dot_signed(Ints start, const Bytes* v, const std::uint8_t* p) {
        __m256i sum[2] = {start.v[0], start.v[1]};
#pragma GCC unroll 8
        for (int g = 0; g < n; ++g) {
            const __m256i ps = broadcast_group(reinterpret_cast<const std::int8_t*>(p) + 4 * g);
#pragma GCC unroll 2
            for (int i = 0; i < 2; ++i) sum[i] = _mm256_dpbusd_avx_epi32(sum[i], ps, v[g].v[i]);
        }
        return {{sum[0], sum[1]}};
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
