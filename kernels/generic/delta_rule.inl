// SPDX-License-Identifier: MIT
// The gated delta rule: one token of one head. Lanes are dimensions of values, which never meet, so the order of all
// sums is that of the key's dimensions. The memory is read twice and written once.
#pragma once

#include "kernels/api/table.hpp"
#include "kernels/generic/elementwise.inl"

namespace linnet::kernels::LINNET_ISA {
namespace {

// n vectors of values from dimension `first` on; only the last one may be a part of one, of `rest` dimensions.
template <class V, int n>
inline void delta_columns(const DeltaRuleArgs& a, std::size_t first, std::size_t rest) {
    using Floats = typename V::Floats;
    const auto decay = V::broadcast(a.decay);
    const auto load = [&](const float* p, int j) {
        return j + 1 < n ? V::load(p + j * 16) : load_some<V>(p + j * 16, rest);
    };
    float* state = a.state + first;
    Floats sum[n];
    for (int j = 0; j < n; ++j) sum[j] = V::zero();
    for (std::size_t i = 0; a.corrects && i < a.d_key; ++i) {
        const auto k = V::broadcast(a.k[i]);
        for (int j = 0; j < n; ++j) {
            sum[j] = V::fma(V::mul(load(state + i * a.d_value, j), decay), k, sum[j]);
        }
    }
    Floats delta[n];
    for (int j = 0; j < n; ++j) {
        delta[j] = V::mul(V::sub(load(a.v + first, j), sum[j]), V::broadcast(a.beta));
        sum[j] = V::zero();
    }
    for (std::size_t i = 0; i < a.d_key; ++i) {
        const auto k = V::broadcast(a.k[i]);
        const auto q = V::broadcast(a.q[i]);
        for (int j = 0; j < n; ++j) {
            float* p = state + i * a.d_value + j * 16;
            const auto s = V::fma(k, delta[j], V::mul(load(state + i * a.d_value, j), decay));
            store_some<V>(p, j + 1 < n ? 16 : rest, s);
            sum[j] = V::fma(s, q, sum[j]);
        }
    }
    for (int j = 0; j < n; ++j) store_some<V>(a.y + first + j * 16, j + 1 < n ? 16 : rest, sum[j]);
}

template <class V>
void delta_rule(const DeltaRuleArgs& a) {
    std::size_t i = 0;
    for (; i + 64 <= a.d_value; i += 64) delta_columns<V, 4>(a, i, 16);
    for (; i < a.d_value; i += 16) delta_columns<V, 1>(a, i, a.d_value - i);
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
