// SPDX-License-Identifier: MIT
// AVX2 + FMA + F16C: 16 lanes are two 256-bit registers. Pairs of registers that are passed to a function go through
// memory, in other widths than they are read again, which stalls: what inner loops call is inlined by force.
#pragma once

#include <immintrin.h>

#include "kernels/simd/xsimd_lanes.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct Avx2 : XsimdLanes<xsimd::fma3<xsimd::avx2>> {
    // 10 accumulators of integers, 2 registers of weights, 1 of activations, 1 of products; the float accumulators,
    // which are needed once a block, in memory.
    static constexpr int kColumns = 5;
    static constexpr int kHalfColumns = 5;
    static constexpr int kFloatColumns = 6;
    static constexpr int kAttentionColumns = 3;
    static constexpr int kTiles = 1;
    static constexpr bool kTakesOffset = true;
    // maddubs adds two products in int16, which saturates above 32767:
    //     max <= 15:  one product pair <= 2 * 15 * 127 = 3810; eight pairs add up to 30480 in int16
    //     max <= 31:  7874; four pairs 31496          max <= 63:  16002; two pairs 32004         max <= 127: 32258
    //     max = 255:  64770 saturates: the unsigned side becomes |w - 128| (<= 128; 2 * 128 * 127 = 32512) and the sign
    //                 moves to the activation
    template <int max>
    static constexpr int kGroupsAtOnce = max <= 15   ? 8
                                         : max <= 31 ? 4
                                         : max <= 63 ? 2
                                                     : 1;

    struct Bytes {
        __m256i v[2];
    };
    // Two int16 sums per row, over at most kGroupsAtOnce groups.
    struct Words {
        __m256i v[2];
    };

    // ---- Floats
    static Floats fma(Floats a, Floats b, Floats c) {
        return each([&](int i) { return _mm256_fmadd_ps(a.v[i], b.v[i], c.v[i]); });
    }
    static Floats load_f16(const std::uint16_t* p) {
        return {{_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
                 _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))}};
    }
    static void store_f16(std::uint16_t* p, Floats a) {
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8 * i),
                             _mm256_cvtps_ph(a.v[i], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
        }
    }
    static Floats load_bf16(const std::uint16_t* p) {
        Floats r;
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
            const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8 * i)));
            r.v[i] = _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
        }
        return r;
    }
    // The order does not matter for the maximum of numbers.
    static float reduce_max(Floats a) {
        const __m256 m8 = _mm256_max_ps(a.v[0], a.v[1]);
        const __m128 m4 = _mm_max_ps(_mm256_castps256_ps128(m8), _mm256_extractf128_ps(m8, 1));
        const __m128 m2 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
        return _mm_cvtss_f32(_mm_max_ss(m2, _mm_shuffle_ps(m2, m2, 1)));
    }
    static float reduce_add(Floats a) {
        const __m256 s8 = _mm256_add_ps(a.v[0], a.v[1]);
        const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
        const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
        return _mm_cvtss_f32(_mm_add_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
    }

    // ---- Ints
    static Ints widen_u8(const std::uint8_t* p) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        return {{_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))}};
    }
    static Ints widen_i8(const std::int8_t* p) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        return {{_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))}};
    }
    static void narrow_i8(std::int8_t* p, Ints a) {
        const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.v[0], a.v[1]), 0xd8);
        const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
    }
    static std::int32_t reduce_add_ints(Ints a) {
        const __m256i s8 = _mm256_add_epi32(a.v[0], a.v[1]);
        const __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128(s8), _mm256_extracti128_si256(s8, 1));
        const __m128i s2 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0x4e));
        return _mm_cvtsi128_si32(_mm_add_epi32(s2, _mm_shuffle_epi32(s2, 0xb1)));
    }
    static void store_block(std::int8_t* p, Ints low, Ints high, std::int32_t& sum_low, std::int32_t& sum_high) {
        narrow_i8(p, low);
        narrow_i8(p + 16, high);
        sum_low = reduce_add_ints(low);
        sum_high = reduce_add_ints(high);
    }

    // ---- Bytes
    static Bytes load_bytes(const std::uint8_t* p) {
        return {{_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
                 _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))}};
    }
    static Bytes or_bytes(Bytes a, Bytes b) {
        return {{_mm256_or_si256(a.v[0], b.v[0]), _mm256_or_si256(a.v[1], b.v[1])}};
    }
    static Bytes xor_bytes(Bytes a, Bytes b) {
        return {{_mm256_xor_si256(a.v[0], b.v[0]), _mm256_xor_si256(a.v[1], b.v[1])}};
    }
    template <int right>
    static Bytes field(Bytes a, std::uint8_t mask) {
        const __m256i m = _mm256_set1_epi8(static_cast<char>(mask));
        return {{_mm256_and_si256(_mm256_srli_epi16(a.v[0], right), m),
                 _mm256_and_si256(_mm256_srli_epi16(a.v[1], right), m)}};
    }
    template <int left>
    static Bytes shift_left(Bytes a) {
        return {{_mm256_slli_epi16(a.v[0], left), _mm256_slli_epi16(a.v[1], left)}};
    }
    static Bytes look_up(const std::uint8_t (&table)[16], Bytes a) {
        const __m256i t = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
        return {{_mm256_shuffle_epi8(t, a.v[0]), _mm256_shuffle_epi8(t, a.v[1])}};
    }

    static void store_bytes(std::uint8_t* p, Bytes a) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v[0]);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), a.v[1]);
    }
    static Ints as_ints(Bytes a) { return {{a.v[0], a.v[1]}}; }
    static Bytes as_bytes(Ints a) { return {{a.v[0], a.v[1]}}; }
    static Bytes gather(const Rows& rows, std::size_t offset) {
        const auto* base = reinterpret_cast<const int*>(rows.base + offset);
        const auto* offsets = reinterpret_cast<const __m256i*>(rows.offset);
        return {{_mm256_i32gather_epi32(base, _mm256_loadu_si256(offsets), 1),
                 _mm256_i32gather_epi32(base, _mm256_loadu_si256(offsets + 1), 1)}};
    }
    static void store_transposed(std::uint8_t (*p)[16], Bytes a) {
        std::uint8_t bytes[64];
        store_bytes(bytes, a);
        for (int row = 0; row < 16; ++row) {
            for (int j = 0; j < 4; ++j) p[j][row] = bytes[4 * row + j];
        }
    }

    // The products of a group with 4 activations, added to words or their start.
    template <bool start>
    [[gnu::always_inline]] static void add_words(Words& words, const Bytes& w, const std::int8_t* x) {
        const __m256i xs = broadcast_group(x);
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
            const __m256i products = _mm256_maddubs_epi16(w.v[i], xs);
            words.v[i] = start ? products : _mm256_add_epi16(words.v[i], products);
            keep(words.v[i]);
        }
    }
    [[gnu::always_inline]] static Ints widen_words(const Ints& start, const Words& words) {
        Ints sum;
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
            sum.v[i] = _mm256_add_epi32(start.v[i], _mm256_madd_epi16(words.v[i], _mm256_set1_epi16(1)));
        }
        return sum;
    }
    // One group of weights whose products have no room for others in int16.
    template <int max, int n>
    [[gnu::always_inline]] static Ints dot(const Ints& start, const Bytes* w, const std::int8_t* x) {
        static_assert(n == 1);
        const __m256i xs = broadcast_group(x);
        Ints sum;
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
            __m256i products;
            if constexpr (max > 127) {
                const __m256i ws = _mm256_xor_si256(w->v[i], _mm256_set1_epi8(static_cast<char>(0x80)));
                products = _mm256_maddubs_epi16(_mm256_abs_epi8(ws), _mm256_sign_epi8(xs, ws));
            } else {
                products = _mm256_maddubs_epi16(w->v[i], xs);
            }
            __m256i total = _mm256_add_epi32(start.v[i], _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
            keep(total);
            sum.v[i] = total;
        }
        return sum;
    }
    // Keeps chains of sums as they are: GCC makes trees of them, for whose terms there are no registers.
    [[gnu::always_inline]] static void keep(__m256i& sum) { asm("" : "+x"(sum)); }

    // maddubs of p <= 127 and |v| <= 127: a pair of products <= 2 * 127 * 127 = 32258 fits int16.
    template <int n>
    [[gnu::always_inline]] static Ints dot_signed(Ints start, const Bytes* v, const std::uint8_t* p) {
        const __m256i ones = _mm256_set1_epi16(1);
        Ints sum = start;
#pragma GCC unroll 8
        for (int g = 0; g < n; ++g) {
            const __m256i ps = broadcast_group(reinterpret_cast<const std::int8_t*>(p) + 4 * g);
#pragma GCC unroll 2
            for (int i = 0; i < 2; ++i) {
                sum.v[i] = _mm256_add_epi32(sum.v[i], _mm256_madd_epi16(_mm256_maddubs_epi16(ps, v[g].v[i]), ones));
            }
        }
        return sum;
    }

    static __m256i broadcast_group(const std::int8_t* x) {
        std::int32_t group;
        std::memcpy(&group, x, 4);
        return _mm256_set1_epi32(group);
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
