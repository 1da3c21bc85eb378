// SPDX-License-Identifier: MIT
// GELU as it is defined, x * Phi(x) with Phi the normal distribution (arXiv 1606.08415); models that name it "gelu"
// mean this form, which other programs often replace by the one with tanh.
#pragma once

#include "kernels/generic/elementwise.inl"

namespace linnet::kernels::LINNET_ISA {
namespace {

// x Phi(x) = max(x, 0) - |x| Phi(-|x|), where Phi(-a) = e^(-a^2 / 2) t Q(t), t = 1 / (1 + 0.32 a): nothing cancels for
// negative x. Q interpolates Phi(-a) e^(a^2 / 2) / t at the 10 Chebyshev nodes of t in [0, 1]; relative error 4.2e-8.
template <class V>
inline typename V::Floats gelu(typename V::Floats x) {
    const auto c = [](float value) { return V::broadcast(value); };
    const auto a = V::abs(x);
    const auto t = V::div(c(1.0F), V::fma(a, c(0.32F), c(1.0F)));
    auto q = V::fma(c(-2.1623132459e-2F), t, c(9.7935215778e-2F));
    q = V::fma(q, t, c(-1.5160769612e-1F));
    q = V::fma(q, t, c(7.0468262372e-2F));
    q = V::fma(q, t, c(-1.2533999953e-2F));
    q = V::fma(q, t, c(5.9799326494e-2F));
    q = V::fma(q, t, c(8.7593530309e-2F));
    q = V::fma(q, t, c(1.1464702821e-1F));
    q = V::fma(q, t, c(1.2765991009e-1F));
    q = V::fma(q, t, c(1.2766153769e-1F));
    const auto density = exp<V>(V::mul(V::mul(a, a), c(-0.5F)));
    const auto tail = V::mul(density, V::mul(q, t));
    return V::sub(V::max(x, V::zero()), V::mul(a, tail));
}

template <class V>
void gelu_mul(const float* gate, const float* up, std::size_t n, float* y) {
    for (std::size_t i = 0; i < n; i += kRows) {
        const auto g = gelu<V>(load_some<V>(gate + i, n - i));
        store_some<V>(y + i, n - i, V::mul(g, load_some<V>(up + i, n - i)));
    }
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
