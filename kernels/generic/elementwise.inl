// SPDX-License-Identifier: MIT
// Vectors of activations: norms, activation functions, rotation, quantisation. Rows may have any length: a last chunk
// of fewer than 16 is padded with zeros, which change no sum.
#pragma once

#include "kernels/api/table.hpp"
#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

template <class V>
inline typename V::Floats load_some(const float* p, std::size_t n) {
    if (n >= kRows) return V::load(p);
    float chunk[kRows] = {};
    std::memcpy(chunk, p, n * sizeof(float));
    return V::load(chunk);
}

template <class V>
inline void store_some(float* p, std::size_t n, typename V::Floats a) {
    if (n >= kRows) {
        V::store(p, a);
        return;
    }
    float chunk[kRows];
    V::store(chunk, a);
    std::memcpy(p, chunk, n * sizeof(float));
}

// e^x: x = n ln 2 + r, |r| <= ln 2 / 2, e^r by a polynomial of degree 7 (coefficients of Cephes' expf; error about
// 1 ulp). 0 below -87.33 (so that -infinity gives an exact zero); x is limited to 88.37 above, 2.4e38.
template <class V>
inline typename V::Floats exp(typename V::Floats x) {
    const auto c = [](float value) { return V::broadcast(value); };
    const auto limited = V::max(V::min(x, c(88.37F)), c(-87.33F));
    const auto n = V::round(V::mul(limited, c(1.44269504F)));
    auto r = V::fma(n, c(-0.693359375F), limited);  // ln 2 in two parts: n * the first is exact
    r = V::fma(n, c(2.12194440e-4F), r);
    auto p = V::fma(c(1.9875691500e-4F), r, c(1.3981999507e-3F));
    p = V::fma(p, r, c(8.3334519073e-3F));
    p = V::fma(p, r, c(4.1665795894e-2F));
    p = V::fma(p, r, c(1.6666665459e-1F));
    p = V::fma(p, r, c(5.0000001201e-1F));
    p = V::fma(p, V::mul(r, r), V::add(r, c(1.0F)));
    const auto y = V::mul(p, V::power_of_two(V::to_ints(n)));
    return V::select_less(x, c(-87.33F), V::zero(), y);
}

template <class V>
void rms_norm(const float* x, const float* weight, std::size_t n, float eps, float* y) {
    auto squares = V::zero();
    for (std::size_t i = 0; i < n; i += kRows) {
        const auto v = load_some<V>(x + i, n - i);
        squares = V::fma(v, v, squares);
    }
    const float mean = V::reduce_add(squares) / static_cast<float>(n);
    const auto factor = V::broadcast(1.0F / __builtin_sqrtf(mean + eps));
    for (std::size_t i = 0; i < n; i += kRows) {
        const auto v = V::mul(load_some<V>(x + i, n - i), factor);
        store_some<V>(y + i, n - i, weight == nullptr ? v : V::mul(v, load_some<V>(weight + i, n - i)));
    }
}

// Two passes: squares of what is left after the mean is taken away. That is put into y, so that the padding of a last
// chunk is zero again when it is read back.
template <class V>
void layer_norm(const float* x, const float* weight, const float* bias, std::size_t n, float eps, float* y) {
    auto sums = V::zero();
    for (std::size_t i = 0; i < n; i += kRows) sums = V::add(sums, load_some<V>(x + i, n - i));
    const auto mean = V::broadcast(V::reduce_add(sums) / static_cast<float>(n));
    auto squares = V::zero();
    for (std::size_t i = 0; i < n; i += kRows) {
        store_some<V>(y + i, n - i, V::sub(load_some<V>(x + i, n - i), mean));
        const auto v = load_some<V>(y + i, n - i);
        squares = V::fma(v, v, squares);
    }
    const float variance = V::reduce_add(squares) / static_cast<float>(n);
    const auto factor = V::broadcast(1.0F / __builtin_sqrtf(variance + eps));
    for (std::size_t i = 0; i < n; i += kRows) {
        const auto v = V::mul(load_some<V>(y + i, n - i), factor);
        const auto w = load_some<V>(weight + i, n - i);
        store_some<V>(y + i, n - i, bias == nullptr ? V::mul(v, w) : V::fma(v, w, load_some<V>(bias + i, n - i)));
    }
}

template <class V>
void add(const float* x, std::size_t n, float* y) {
    for (std::size_t i = 0; i < n; i += kRows) {
        store_some<V>(y + i, n - i, V::add(load_some<V>(y + i, n - i), load_some<V>(x + i, n - i)));
    }
}

template <class V>
void add_scaled(const float* x, float factor, std::size_t n, float* y) {
    const auto f = V::broadcast(factor);
    for (std::size_t i = 0; i < n; i += kRows) {
        store_some<V>(y + i, n - i, V::fma(load_some<V>(x + i, n - i), f, load_some<V>(y + i, n - i)));
    }
}

template <class V>
void mul_add(const float* x, const float* w, std::size_t n, float* y) {
    for (std::size_t i = 0; i < n; i += kRows) {
        const auto a = load_some<V>(x + i, n - i);
        store_some<V>(y + i, n - i, V::fma(a, load_some<V>(w + i, n - i), load_some<V>(y + i, n - i)));
    }
}

template <class V>
void scale(const float* x, float factor, std::size_t n, float* y) {
    for (std::size_t i = 0; i < n; i += kRows) {
        store_some<V>(y + i, n - i, V::mul(load_some<V>(x + i, n - i), V::broadcast(factor)));
    }
}

// x / (1 + e^-z)
template <class V>
inline typename V::Floats times_sigmoid(typename V::Floats x, typename V::Floats z) {
    return V::div(x, V::add(V::broadcast(1.0F), exp<V>(V::sub(V::zero(), z))));
}

template <class V>
void silu_mul(const float* gate, const float* up, std::size_t n, float* y) {
    for (std::size_t i = 0; i < n; i += kRows) {
        const auto g = load_some<V>(gate + i, n - i);
        store_some<V>(y + i, n - i, V::mul(times_sigmoid<V>(g, g), load_some<V>(up + i, n - i)));
    }
}

// gpt-oss's activation. The constants are those of its code.
template <class V>
void swiglu_clamped(const float* gate, const float* up, std::size_t n, float* y) {
    const auto limit = V::broadcast(7.0F);
    for (std::size_t i = 0; i < n; i += kRows) {
        const auto g = V::min(load_some<V>(gate + i, n - i), limit);
        const auto u = V::max(V::min(load_some<V>(up + i, n - i), limit), V::broadcast(-7.0F));
        const auto activated = times_sigmoid<V>(g, V::mul(g, V::broadcast(1.702F)));
        store_some<V>(y + i, n - i, V::mul(activated, V::add(u, V::broadcast(1.0F))));
    }
}

template <class V>
void sigmoid_mul(const float* x, const float* gate, std::size_t n, float* y) {
    for (std::size_t i = 0; i < n; i += kRows) {
        store_some<V>(y + i, n - i, times_sigmoid<V>(load_some<V>(x + i, n - i), load_some<V>(gate + i, n - i)));
    }
}

// As layer_norm, squares are of what is left in y after the mean is taken away.
template <class V>
void sparsify(const float* x, float n_deviations, std::size_t n, float* y) {
    auto sums = V::zero();
    for (std::size_t i = 0; i < n; i += kRows) sums = V::add(sums, load_some<V>(x + i, n - i));
    const auto mean = V::broadcast(V::reduce_add(sums) / static_cast<float>(n));
    auto squares = V::zero();
    for (std::size_t i = 0; i < n; i += kRows) {
        store_some<V>(y + i, n - i, V::sub(load_some<V>(x + i, n - i), mean));
        const auto v = load_some<V>(y + i, n - i);
        squares = V::fma(v, v, squares);
    }
    const float deviation = __builtin_sqrtf(V::reduce_add(squares) / static_cast<float>(n));
    const auto cutoff = V::broadcast(n_deviations * deviation);
    for (std::size_t i = 0; i < n; i += kRows) {
        store_some<V>(y + i, n - i, V::max(V::sub(load_some<V>(y + i, n - i), cutoff), V::zero()));
    }
}

// GELU's tanh form, 0.5 g (1 + tanh u) with u = sqrt(2 / pi) (g + 0.044715 g^3), is g * sigmoid(2 u): no cancellation.
template <class V>
void gelu_tanh_mul(const float* gate, const float* up, std::size_t n, float* y) {
    for (std::size_t i = 0; i < n; i += kRows) {
        const auto g = load_some<V>(gate + i, n - i);
        const auto inner = V::fma(V::mul(V::mul(g, g), g), V::broadcast(0.044715F), g);
        const auto z = V::mul(inner, V::broadcast(1.5957691216F));  // 2 sqrt(2 / pi)
        store_some<V>(y + i, n - i, V::mul(times_sigmoid<V>(g, z), load_some<V>(up + i, n - i)));
    }
}

// Below 0.625 an odd polynomial (coefficients of Cephes' tanhf), above 1 - 2 / (e^2|x| + 1): error about 2 ulp.
template <class V>
inline typename V::Floats tanh(typename V::Floats x) {
    const auto c = [](float value) { return V::broadcast(value); };
    const auto magnitude = V::abs(x);
    const auto e = exp<V>(V::add(magnitude, magnitude));
    const auto large = V::sub(c(1.0F), V::div(c(2.0F), V::add(e, c(1.0F))));
    const auto x2 = V::mul(x, x);
    auto p = V::fma(c(-5.70498872745e-3F), x2, c(2.06390887954e-2F));
    p = V::fma(p, x2, c(-5.37397155531e-2F));
    p = V::fma(p, x2, c(1.33314422036e-1F));
    p = V::fma(p, x2, c(-3.33332819422e-1F));
    const auto small = V::fma(V::mul(p, x2), x, x);
    const auto with_sign = V::select_less(x, V::zero(), V::sub(V::zero(), large), large);
    return V::select_less(magnitude, c(0.625F), small, with_sign);
}

template <class V>
void softcap(const float* x, float cap, std::size_t n, float* y) {
    const auto c = V::broadcast(cap);
    for (std::size_t i = 0; i < n; i += kRows) {
        store_some<V>(y + i, n - i, V::mul(tanh<V>(V::div(load_some<V>(x + i, n - i), c)), c));
    }
}

template <class V>
void rope_neox(const float* cosines, const float* sines, std::size_t n_rot, float* x) {
    const std::size_t half = n_rot / 2;
    for (std::size_t i = 0; i < half; i += kRows) {
        const std::size_t n = half - i;
        const auto c = load_some<V>(cosines + i, n);
        const auto s = load_some<V>(sines + i, n);
        const auto a = load_some<V>(x + i, n);
        const auto b = load_some<V>(x + half + i, n);
        store_some<V>(x + i, n, V::fma(a, c, V::sub(V::zero(), V::mul(b, s))));
        store_some<V>(x + half + i, n, V::fma(b, c, V::mul(a, s)));
    }
}

template <class V>
void rope_interleaved(const float* cosines, const float* sines, std::size_t n_rot, float* x) {
    for (std::size_t i = 0; i < n_rot / 2; ++i) {
        const float a = x[2 * i];
        const float b = x[2 * i + 1];
        x[2 * i] = __builtin_fmaf(a, cosines[i], -(b * sines[i]));
        x[2 * i + 1] = __builtin_fmaf(b, cosines[i], a * sines[i]);
    }
}

// Scales of 8-bit values: d = amax / 127 and its inverse. Below 1e-30 both are zero, as 127 / amax could overflow.
struct Q8Scale {
    float d;
    float inverse;
    explicit Q8Scale(float amax) {
        const bool zero = !(amax >= 1e-30F);
        d = zero ? 0.0F : amax / 127.0F;
        inverse = zero ? 0.0F : 127.0F / amax;
    }
};

// rint(x * inverse), -127..127; not-a-number becomes a number.
template <class V>
inline typename V::Ints quantise(typename V::Floats x, float inverse) {
    const auto r = V::round(V::mul(x, V::broadcast(inverse)));
    return V::to_ints(V::min(V::max(r, V::broadcast(-127.0F)), V::broadcast(127.0F)));
}

// Per 32 values: d = amax / 127, q = rint(x * (127 / amax)), and sums of q.
template <class V>
void pack_q8(const float* x, std::size_t n_in, std::byte* panel, std::size_t width, std::size_t slot) {
    for (std::size_t b = 0; b < n_in / kQuantBlock; ++b) {
        std::byte* block = panel + b * width * kQuantBlockBytes;
        auto* floats = reinterpret_cast<float*>(block) + slot;
        auto* ints = reinterpret_cast<std::int32_t*>(block) + 2 * width + slot;
        auto* q = reinterpret_cast<std::int8_t*>(block) + width * 20 + slot * kQuantBlock;
        const auto low = V::load(x + b * kQuantBlock);
        const auto high = V::load(x + b * kQuantBlock + 16);
        const Q8Scale scale(V::reduce_max(V::max(V::abs(low), V::abs(high))));
        std::int32_t sum_low;
        std::int32_t sum_high;
        V::store_block(q, quantise<V>(low, scale.inverse), quantise<V>(high, scale.inverse), sum_low, sum_high);
        floats[0] = scale.d;
        floats[width] = scale.d * static_cast<float>(sum_low + sum_high);
        ints[0] = -(sum_low + sum_high);
        ints[width] = -sum_low;
        ints[2 * width] = -sum_high;
    }
}

template <class V>
void pack_f32(const float* x, std::size_t n_in, std::byte* panel, std::size_t width, std::size_t slot) {
    auto* floats = reinterpret_cast<float*>(panel) + slot;
    for (std::size_t k = 0; k < n_in; ++k) floats[k * width] = x[k];
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
