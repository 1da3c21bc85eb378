// SPDX-License-Identifier: MIT
// Blocks of 256 weights whose sub-blocks have small integer scales (and minimums) in units of the block's f16 ones.
// Each sub-block is fitted on its own; then, in turns, its integers are chosen among those around the wanted ones by
// the error that they give, and the block's scales follow from least squares over all weights, while that improves.
#include <algorithm>
#include <cstring>

#include "quantize/encode_blocks.hpp"
#include "quantize/fit.hpp"
#include "quantize/half.hpp"

namespace linnet::quantize {

namespace {

constexpr std::size_t kBlock = 256;
constexpr int kRounds = 3;

float rounded(float value) noexcept { return from_half(to_half(std::clamp(value, -kMaxHalf, kMaxHalf))); }

float nearest_integer(float value, float low, float high) noexcept {
    value = std::clamp(value, low, high);
    return (value + 12582912.0F) - 12582912.0F;
}

// ---- Scales only: w = d * scale[s] * g

template <std::size_t n_subs>
struct Scaled {
    float d = 0;
    float scale[n_subs] = {};
    double error = std::numeric_limits<double>::infinity();
};

// Scales in [low, high].
template <class Grid, std::size_t n_subs>
Scaled<n_subs> fit_scales(const float* x, const float* w, Reach reach, float low, float high) noexcept {
    constexpr std::size_t n = kBlock / n_subs;
    float wanted[n_subs];
    float extreme = 0;
    for (std::size_t s = 0; s < n_subs; ++s) {
        wanted[s] = fit_scale<Grid, n>(x + s * n, w + s * n, reach).scale;
        if (std::abs(wanted[s]) > std::abs(extreme)) extreme = wanted[s];
    }
    Scaled<n_subs> best;
    if (extreme == 0) return best;
    float d = rounded(extreme / low);
    for (int round = 0; round < kRounds && d != 0; ++round) {
        Scaled<n_subs> now;
        now.d = d;
        now.error = 0;
        double rg = 0;
        double gg = 0;
        for (std::size_t s = 0; s < n_subs; ++s) {
            const float middle = nearest_integer(wanted[s] / d, low, high);
            Sums least;
            least.rr = std::numeric_limits<float>::infinity();
            for (const float scale : {middle, middle - 1, middle + 1}) {
                if (scale < low || scale > high) continue;
                const Sums sums = residuals<Grid, false, n>(x + s * n, w + s * n, 0, d * scale);
                if (!(sums.rr < least.rr)) continue;
                least = sums;
                now.scale[s] = scale;
            }
            now.error += least.rr;
            rg += now.scale[s] * least.rg;
            gg += now.scale[s] * now.scale[s] * least.gg;
        }
        if (!(now.error < best.error)) break;
        best = now;
        if (gg <= 0) break;
        d = rounded(d + static_cast<float>(rg / gg));
        if (d == best.d) break;
    }
    return best;
}

// ---- Scales and minimums: w = d * scale[s] * q - dmin * minimum[s]

struct Affine {
    float d = 0;
    float dmin = 0;
    float scale[8] = {};
    float minimum[8] = {};
    double error = std::numeric_limits<double>::infinity();
};

struct Choice {
    float scale = 0;
    float minimum = 0;
    Sums sums;
};

constexpr float kMaxScale = 63;

template <class Grid>
Choice choose(const float* x, const float* w, float d, float dmin, float scale, float minimum) noexcept {
    Choice best;
    best.sums.rr = std::numeric_limits<float>::infinity();
    for (const float i : {scale, scale - 1, scale + 1}) {
        for (const float j : {minimum, minimum - 1, minimum + 1}) {
            if (i < 0 || i > kMaxScale || j < 0 || j > kMaxScale) continue;
            const Sums sums = residuals<Grid, true, 32>(x, w, -dmin * j, d * i);
            if (sums.rr < best.sums.rr) best = {i, j, sums};
        }
    }
    return best;
}

template <class Grid>
Affine fit_affines(const float* x, const float* w, Reach inset) noexcept {
    Fit fits[8];
    float max_scale = 0;
    float max_minimum = 0;
    for (std::size_t s = 0; s < 8; ++s) {
        fits[s] = fit_affine<Grid, 32>(x + 32 * s, w + 32 * s, inset, false);
        max_scale = std::max(max_scale, fits[s].scale);
        max_minimum = std::max(max_minimum, -fits[s].offset);
    }
    Affine best;
    float d = rounded(max_scale / kMaxScale);
    float dmin = rounded(max_minimum / kMaxScale);
    for (int round = 0; round < kRounds; ++round) {
        Affine now;
        now.d = d;
        now.dmin = dmin;
        now.error = 0;
        // Normal equations of the changes of d and dmin: the residuals against scale * q and -minimum.
        double aa = 0, ab = 0, bb = 0, ra = 0, rb = 0;
        for (std::size_t s = 0; s < 8; ++s) {
            const float scale = d != 0 ? nearest_integer(fits[s].scale / d, 0, kMaxScale) : 0;
            const float minimum = dmin != 0 ? nearest_integer(-fits[s].offset / dmin, 0, kMaxScale) : 0;
            const Choice c = choose<Grid>(x + 32 * s, w + 32 * s, d, dmin, scale, minimum);
            now.scale[s] = c.scale;
            now.minimum[s] = c.minimum;
            now.error += c.sums.rr;
            float sum_w = 0;
            for (std::size_t k = 0; k < 32; ++k) sum_w += w[32 * s + k];
            const double i = c.scale;
            const double j = c.minimum;
            aa += i * i * c.sums.gg;
            ab -= i * j * c.sums.g;
            bb += j * j * sum_w;
            ra += i * c.sums.rg;
            rb -= j * c.sums.r;
        }
        if (!(now.error < best.error)) break;
        best = now;
        const double determinant = aa * bb - ab * ab;
        double change = aa > 0 ? ra / aa : 0;
        double shift = 0;
        if (determinant > 1e-9 * aa * bb) {
            change = (ra * bb - ab * rb) / determinant;
            shift = (aa * rb - ab * ra) / determinant;
        }
        d = rounded(d + static_cast<float>(change));
        dmin = rounded(dmin + static_cast<float>(shift));
        if (d == best.d && dmin == best.dmin) break;
    }
    return best;
}

// ---- Packing

void put_scales(const Affine& fit, std::uint8_t (&bytes)[12]) noexcept {
    const auto scale = [&](std::size_t s) { return static_cast<unsigned>(fit.scale[s]); };
    const auto minimum = [&](std::size_t s) { return static_cast<unsigned>(fit.minimum[s]); };
    for (std::size_t s = 0; s < 4; ++s) {
        bytes[s] = static_cast<std::uint8_t>(scale(s) | scale(s + 4) >> 4U << 6U);
        bytes[s + 4] = static_cast<std::uint8_t>(minimum(s) | minimum(s + 4) >> 4U << 6U);
        bytes[s + 8] = static_cast<std::uint8_t>((scale(s + 4) & 15U) | (minimum(s + 4) & 15U) << 4U);
    }
}

template <class Grid>
unsigned quant(float x, float scale, float offset) noexcept {
    return Grid::index((x - offset) * (scale != 0 ? 1.0F / scale : 0.0F));
}

// Scales, minimums and all quants of a block of Q4_K or Q5_K.
template <class Grid, class Block>
void encode_affines(const float* x, const float* w, Reach inset, Block& b, std::uint8_t (&q)[kBlock]) noexcept {
    const Affine fit = fit_affines<Grid>(x, w, inset);
    b.d = to_half(fit.d);
    b.dmin = to_half(fit.dmin);
    put_scales(fit, b.scales);
    for (std::size_t k = 0; k < kBlock; ++k) {
        const std::size_t s = k / 32;
        q[k] = static_cast<std::uint8_t>(quant<Grid>(x[k], fit.d * fit.scale[s], -fit.dmin * fit.minimum[s]));
    }
    for (std::size_t i = 0; i < 128; ++i) {
        const std::size_t k = i / 32 * 64 + i % 32;
        b.q[i] = static_cast<std::uint8_t>((q[k] & 15U) | (q[k + 32] & 15U) << 4U);
    }
}

}  // namespace

void encode_block(const float* x, const float* w, BlockQ4_K& b) noexcept {
    std::uint8_t q[kBlock];
    encode_affines<Integers<0, 15>>(x, w, {-0.02F, 0.03F, 5}, b, q);
}

void encode_block(const float* x, const float* w, BlockQ5_K& b) noexcept {
    std::uint8_t q[kBlock];
    encode_affines<Integers<0, 31>>(x, w, {-0.02F, 0.03F, 5}, b, q);
    std::memset(b.high, 0, sizeof b.high);
    for (std::size_t k = 0; k < kBlock; ++k) {
        b.high[k % 32] = static_cast<std::uint8_t>(b.high[k % 32] | (q[k] >> 4U) << (k / 32));
    }
}

void encode_block(const float* x, const float* w, BlockQ6_K& b) noexcept {
    using Grid = Integers<-32, 31>;
    const auto fit = fit_scales<Grid, 16>(x, w, {0.9F, 0.0125F, 12}, -128, 127);
    b.d = to_half(fit.d);
    std::memset(b.low, 0, sizeof b.low);
    std::memset(b.high, 0, sizeof b.high);
    for (std::size_t s = 0; s < 16; ++s) b.scales[s] = static_cast<std::int8_t>(fit.scale[s]);
    for (std::size_t k = 0; k < kBlock; ++k) {
        const unsigned q = quant<Grid>(x[k], fit.d * fit.scale[k / 16], 0);
        std::uint8_t& low = b.low[k / 128 * 64 + k % 64];
        std::uint8_t& high = b.high[k / 128 * 32 + k % 32];
        low = static_cast<std::uint8_t>(low | (q & 15U) << (k % 128 / 64 * 4));
        high = static_cast<std::uint8_t>(high | (q >> 4U) << (k % 128 / 32 * 2));
    }
}

void encode_block(const float* x, const float* w, BlockIQ4_XS& b) noexcept {
    const auto fit = fit_scales<Codebook, 8>(x, w, {0.8F, 0.05F, 7}, -32, 31);
    b.d = to_half(fit.d);
    b.scales_high = 0;
    std::memset(b.scales_low, 0, sizeof b.scales_low);
    for (std::size_t s = 0; s < 8; ++s) {
        const auto scale = static_cast<unsigned>(static_cast<int>(fit.scale[s]) + 32);
        b.scales_low[s / 2] = static_cast<std::uint8_t>(b.scales_low[s / 2] | (scale & 15U) << (s % 2 * 4));
        b.scales_high = static_cast<std::uint16_t>(b.scales_high | (scale >> 4U) << (s * 2));
        const float step = fit.d * fit.scale[s];
        for (std::size_t j = 0; j < 16; ++j) {
            const float* sub = x + 32 * s;
            b.q[16 * s + j] = static_cast<std::uint8_t>(quant<Codebook>(sub[j], step, 0) |
                                                        quant<Codebook>(sub[j + 16], step, 0) << 4U);
        }
    }
}

}  // namespace linnet::quantize
