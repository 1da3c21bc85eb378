// SPDX-License-Identifier: MIT
// Floats and Ints on xsimd batches: 16 lanes as 16 / N registers of N lanes. Operations that xsimd does not have, or
// whose bits it leaves open (its fma may round twice), are in the file of the instruction set that derives from this.
#pragma once

#include <xsimd/xsimd.hpp>

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

template <class Arch>
struct XsimdLanes {
    using F = xsimd::batch<float, Arch>;
    using I = xsimd::batch<std::int32_t, Arch>;
    static constexpr int kLanes = static_cast<int>(F::size);
    static constexpr int kParts = 16 / kLanes;

    struct Floats {
        F v[kParts];
    };
    struct Ints {
        I v[kParts];
    };

    template <class Op>
    static Floats each(Op op) {
        Floats r;
        for (int i = 0; i < kParts; ++i) r.v[i] = op(i);
        return r;
    }
    template <class Op>
    static Ints each_int(Op op) {
        Ints r;
        for (int i = 0; i < kParts; ++i) r.v[i] = op(i);
        return r;
    }

    // ---- Floats
    static Floats zero() { return broadcast(0.0F); }
    static Floats broadcast(float x) {
        return each([=](int) { return F(x); });
    }
    static Floats load(const float* p) {
        return each([=](int i) { return F::load_unaligned(p + i * kLanes); });
    }
    static void store(float* p, Floats a) {
        for (int i = 0; i < kParts; ++i) a.v[i].store_unaligned(p + i * kLanes);
    }
    static Floats add(Floats a, Floats b) {
        return each([&](int i) { return a.v[i] + b.v[i]; });
    }
    static Floats sub(Floats a, Floats b) {
        return each([&](int i) { return a.v[i] - b.v[i]; });
    }
    static Floats mul(Floats a, Floats b) {
        return each([&](int i) { return a.v[i] * b.v[i]; });
    }
    static Floats div(Floats a, Floats b) {
        return each([&](int i) { return a.v[i] / b.v[i]; });
    }
    static Floats select_less(Floats a, Floats b, Floats x, Floats y) {
        return each([&](int i) { return xsimd::select(a.v[i] < b.v[i], x.v[i], y.v[i]); });
    }
    // On x86 the instructions are the definition: b where a is not greater (less), or a NaN is there.
    static Floats max(Floats a, Floats b) {
        return each([&](int i) { return xsimd::max(a.v[i], b.v[i]); });
    }
    static Floats min(Floats a, Floats b) {
        return each([&](int i) { return xsimd::min(a.v[i], b.v[i]); });
    }
    static Floats abs(Floats a) {
        return each([&](int i) { return xsimd::abs(a.v[i]); });
    }
    static Floats round(Floats a) {
        return each([&](int i) { return xsimd::nearbyint(a.v[i]); });
    }

    // ---- Ints
    static Ints broadcast_int(std::int32_t x) {
        return each_int([=](int) { return I(x); });
    }
    static Ints add_ints(Ints a, Ints b) {
        return each_int([&](int i) { return a.v[i] + b.v[i]; });
    }
    static Ints mul_ints(Ints a, Ints b) {
        return each_int([&](int i) { return a.v[i] * b.v[i]; });
    }
    static Ints and_ints(Ints a, std::int32_t mask) {
        return each_int([&](int i) { return a.v[i] & I(mask); });
    }
    static Ints or_ints(Ints a, Ints b) {
        return each_int([&](int i) { return a.v[i] | b.v[i]; });
    }
    static Ints shift_left_ints(Ints a, int n) {
        return each_int([&](int i) { return a.v[i] << n; });
    }
    // Of values that are not negative.
    static Ints shift_right(Ints a, int n) {
        return each_int([&](int i) { return a.v[i] >> n; });
    }
    static Floats from_ints(Ints a) {
        return each([&](int i) { return xsimd::to_float(a.v[i]); });
    }
    static Ints to_ints(Floats a) {
        return each_int([&](int i) { return xsimd::to_int(a.v[i]); });
    }
    static Floats power_of_two(Ints n) {
        return each([&](int i) { return xsimd::bitwise_cast<F>((n.v[i] + I(127)) << 23); });
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
