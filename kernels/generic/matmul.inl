// SPDX-License-Identifier: MIT
// y[t, r] = sum_k x[t, k] * W[r, k] on packed tiles. Lanes are rows: each output is one chain of fused multiply-adds
// over the blocks of its row in ascending order, whatever the number of columns, tiles or chunks.
#pragma once

#include "kernels/generic/matmul_few.inl"
#include "kernels/generic/matmul_many.inl"

namespace linnet::kernels::LINNET_ISA {
namespace {

// Up to here, unpacking in registers for each panel costs less than writing the unpacked weights.
inline constexpr std::size_t kFewTokens = 8;

template <class F>
inline constexpr bool kCostlyUnpack = requires {
    F::kCostlyUnpack;
};

template <class V, class F>
void matmul(const MatmulArgs& a) {
    if (a.n_tokens == 1) return matmul_few<V, F, 1, 1>(a);  // one sequential stream of weights
    if constexpr (!kCostlyUnpack<F>) {
        if (a.n_tokens <= kFewTokens) return matmul_few<V, F, V::kTiles, max_columns<V, F>()>(a);
    }
    matmul_many<V, F, V::kTiles>(a);
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
