// SPDX-License-Identifier: MIT
// AVX-512 (F, BW, DQ, VL) + VNNI: 16 lanes are one 512-bit register.
#pragma once

#include <immintrin.h>

#include "kernels/simd/xsimd_lanes.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct Avx512 : XsimdLanes<xsimd::avx512bw> {
    // 32 registers: 12 integer and 12 float accumulators, 2 of weights, 1 of activations. Two tiles for each load of
    // activations, as a core that starts two vpdpbusd a cycle has just two loads a cycle to feed them.
    static constexpr int kColumns = 5;
    static constexpr int kHalfColumns = 5;
    static constexpr int kFloatColumns = 12;
    static constexpr int kAttentionColumns = 8;
    static constexpr int kTiles = 2;
    template <int max>
    static constexpr int kGroupsAtOnce = 1;
    static constexpr bool kTakesOffset = false;

    using Bytes = __m512i;

    // ---- Floats
    static Floats fma(Floats a, Floats b, Floats c) { return {{_mm512_fmadd_ps(a.v[0], b.v[0], c.v[0])}}; }
    static Floats load_f16(const std::uint16_t* p) {
        // The form with a mask: GCC 12 warns of the other one's undefined source.
        return {{_mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))}};
    }
    static void store_f16(std::uint16_t* p, Floats a) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                            _mm512_maskz_cvtps_ph(0xffff, a.v[0], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
    static Floats load_bf16(const std::uint16_t* p) {
        const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
        return {{_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))}};
    }
    static float reduce_max(Floats a) { return _mm512_reduce_max_ps(a.v[0]); }
    static float reduce_add(Floats a) {
        const __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(a.v[0]), _mm512_extractf32x8_ps(a.v[0], 1));
        const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
        const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
        return _mm_cvtss_f32(_mm_add_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
    }

    // ---- Ints
    static Ints widen_u8(const std::uint8_t* p) {
        return {{_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))}};
    }
    static Ints widen_i8(const std::int8_t* p) {
        return {{_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))}};
    }
    static void narrow_i8(std::int8_t* p, Ints a) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v[0]));
    }
    static void store_block(std::int8_t* p, Ints low, Ints high, std::int32_t& sum_low, std::int32_t& sum_high) {
        const __m256i q = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm512_cvtepi32_epi8(low.v[0])),
                                                  _mm512_cvtepi32_epi8(high.v[0]), 1);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), q);
        __m256i sums = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), q);
        sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0x4e));
        sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0xb1));
        sum_low = _mm_cvtsi128_si32(_mm256_castsi256_si128(sums));
        sum_high = _mm_cvtsi128_si32(_mm256_extracti128_si256(sums, 1));
    }

    // ---- Bytes
    static Bytes load_bytes(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
    static Bytes or_bytes(Bytes a, Bytes b) { return _mm512_or_si512(a, b); }
    static Bytes xor_bytes(Bytes a, Bytes b) { return _mm512_xor_si512(a, b); }
    template <int right>
    static Bytes field(Bytes a, std::uint8_t mask) {
        return _mm512_and_si512(_mm512_srli_epi16(a, right), _mm512_set1_epi8(static_cast<char>(mask)));
    }
    template <int left>
    static Bytes shift_left(Bytes a) {
        return _mm512_slli_epi16(a, left);
    }
    static Bytes look_up(const std::uint8_t (&table)[16], Bytes a) {
        const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
        return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(t), a);
    }

    static void store_bytes(std::uint8_t* p, Bytes a) { _mm512_storeu_si512(p, a); }
    static Ints as_ints(Bytes a) { return {{a}}; }
    static Bytes as_bytes(Ints a) { return a.v[0]; }
    static Bytes gather(const Rows& rows, std::size_t offset) {
        return _mm512_i32gather_epi32(_mm512_loadu_si512(rows.offset), rows.base + offset, 1);
    }
    static void store_transposed(std::uint8_t (*p)[16], Bytes a) {
        for (unsigned j = 0; j < 4; ++j) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(p[j]), _mm512_cvtepi32_epi8(_mm512_srli_epi32(a, 8 * j)));
        }
    }

    template <int max, int n>
    static Ints dot(Ints start, const Bytes* w, const std::int8_t* x) {
        __m512i sum = start.v[0];
        for (int g = 0; g < n; ++g) {
            std::int32_t group;
            std::memcpy(&group, x + 4 * g, 4);
            sum = _mm512_dpbusd_epi32(sum, w[g], _mm512_set1_epi32(group));
        }
        return {{sum}};
    }

    template <int n>
    static Ints dot_signed(Ints start, const Bytes* v, const std::uint8_t* p) {
        __m512i sum = start.v[0];
        for (int g = 0; g < n; ++g) {
            std::int32_t group;
            std::memcpy(&group, p + 4 * g, 4);
            sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi32(group), v[g]);
        }
        return {{sum}};
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
