// SPDX-License-Identifier: MIT
// The search for the scale (and offset) of a few weights that share them, with the least weighted squared error
//     E = sum_k w[k] (x[k] - offset - scale * g[k])^2,    g[k] in a grid (the values that a quant can stand for).
// For a given step of the grid every weight takes the nearest value, and then the best scale and offset follow from
// linear least squares; the search tries steps and repeats both until nothing improves. All sums have 4 striped
// partial sums and one fixed tree, whatever the platform, so that results are the same everywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "quantize/blocks.hpp"

namespace linnet::quantize {

// Four numbers at a time, in the compiler's own terms.
using Floats = float __attribute__((vector_size(16)));
inline constexpr std::size_t kLanes = 4;

inline Floats load(const float* x) noexcept {
    Floats v;
    std::memcpy(&v, x, sizeof v);
    return v;
}
inline Floats all(float value) noexcept { return Floats{value, value, value, value}; }
inline float sum(Floats v) noexcept { return (v[0] + v[2]) + (v[1] + v[3]); }

// Nearest integer in [low, high].
template <int low, int high>
struct Integers {
    static constexpr float kLow = low;
    static constexpr float kHigh = high;
    static Floats nearest(Floats u) noexcept {
        const Floats shift = all(12582912.0F);  // 1.5 * 2^23: adding it leaves no fraction bits
        u = u < all(kLow) ? all(kLow) : u;
        u = u > all(kHigh) ? all(kHigh) : u;
        return (u + shift) - shift;
    }
    static std::uint8_t index(float u) noexcept { return static_cast<std::uint8_t>(nearest(all(u))[0] - kLow); }
};

// The nearest value of the codebook and its index, for [-128, 128) in steps of 1/2: the middles between the codebook's
// values are multiples of that.
struct CodebookEntry {
    float value;
    std::uint8_t index;
};
constexpr std::array<CodebookEntry, 512> make_codebook_table() {
    std::array<CodebookEntry, 512> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        const int middle = 2 * (static_cast<int>(i) - 256) + 1;  // of the step, times 4
        std::uint8_t best = 0;
        while (best < 15 && middle > 2 * (kCodebook[best] + kCodebook[best + 1])) ++best;
        table[i] = {static_cast<float>(kCodebook[best]), best};
    }
    return table;
}
inline constexpr std::array<CodebookEntry, 512> kCodebookTable = make_codebook_table();

struct Codebook {
    static constexpr float kLow = -127.0F;
    static constexpr float kHigh = 113.0F;
    static const CodebookEntry& entry(float u) noexcept {
        u = u < -127.0F ? -127.0F : u;
        u = u > 127.0F ? 127.0F : u;
        return kCodebookTable[static_cast<std::size_t>(static_cast<int>(u * 2 + 256.0F))];
    }
    static Floats nearest(Floats u) noexcept {
        return Floats{entry(u[0]).value, entry(u[1]).value, entry(u[2]).value, entry(u[3]).value};
    }
    static std::uint8_t index(float u) noexcept { return entry(u).index; }
};

// Sums over the weights with r = x - offset - scale * g: what is left and what it has in common with the grid's values.
struct Sums {
    float rr = 0, rg = 0, r = 0, gg = 0, g = 0;
};

// x, w [n]; n a multiple of 4. Without kOffset r and g stay 0.
template <class Grid, bool kOffset, std::size_t n>
Sums residuals(const float* x, const float* w, float offset, float scale) noexcept {
    const Floats inverse = all(scale != 0.0F ? 1.0F / scale : 0.0F);
    Floats rr = {}, rg = {}, r1 = {}, gg = {}, g1 = {};
    for (std::size_t k = 0; k < n; k += kLanes) {
        const Floats centred = load(x + k) - all(offset);
        const Floats weight = load(w + k);
        const Floats g = Grid::nearest(centred * inverse);
        const Floats r = centred - all(scale) * g;
        const Floats wr = weight * r;
        const Floats wg = weight * g;
        rr += wr * r;
        rg += wr * g;
        gg += wg * g;
        if constexpr (kOffset) {
            r1 += wr;
            g1 += wg;
        }
    }
    return {sum(rr), sum(rg), sum(r1), sum(gg), sum(g1)};
}

struct Fit {
    float scale = 0;
    float offset = 0;
    float error = std::numeric_limits<float>::infinity();
};

inline constexpr float kTiny = 1e-30F;  // weights that are all smaller become zeros: their squares leave float's range

// Where the greatest weight (by magnitude) may lie, as a share of the grid's end: `count` steps from `first` on.
struct Reach {
    float first;
    float step;
    int count;
};

inline constexpr int kRefinements = 4;

// The least error with offset 0; the scale may be negative, which is how lopsided grids reach their longer end.
template <class Grid, std::size_t n>
Fit fit_scale(const float* x, const float* w, Reach reach) noexcept {
    float extreme = 0;
    for (std::size_t k = 0; k < n; ++k) {
        const bool greater = (x[k] < 0 ? -x[k] : x[k]) > (extreme < 0 ? -extreme : extreme);
        extreme = greater ? x[k] : extreme;
    }
    if (extreme < kTiny && extreme > -kTiny) return {0, 0, 0};
    Fit best;
    const auto consider = [&](float scale) {
        const Sums s = residuals<Grid, false, n>(x, w, 0, scale);
        if (s.gg <= 0) return false;
        const float change = s.rg / s.gg;
        const float error = s.rr - change * s.rg;
        if (!(error < best.error)) return false;
        best = {scale + change, 0, error};
        return true;
    };
    for (const float end : {Grid::kLow, Grid::kHigh}) {
        for (int i = 0; i < reach.count; ++i) {
            consider(extreme / (end * (reach.first + reach.step * static_cast<float>(i))));
        }
    }
    for (int i = 0; i < kRefinements && consider(best.scale); ++i) {
    }
    return best;
}

// What least squares makes of a step and an offset; where it leaves a choice (equal values of the grid), of one of
// them. W is the sum of w.
inline Fit corrected(const Sums& s, float sum_w, float scale, float offset, bool may_be_positive) noexcept {
    float change = 0;
    float shift = 0;
    const float determinant = s.gg * sum_w - s.g * s.g;
    if (determinant > 1e-6F * s.gg * sum_w) {
        change = (s.rg * sum_w - s.g * s.r) / determinant;
        shift = (s.gg * s.r - s.g * s.rg) / determinant;
    } else if (s.gg > 0) {
        change = s.rg / s.gg;
    } else {
        shift = s.r / sum_w;
    }
    if (offset + shift <= 0 || may_be_positive) {
        return {scale + change, offset + shift, s.rr - change * s.rg - shift * s.r};
    }
    // With offset 0 the residuals are r + offset.
    const float rr = s.rr + offset * (2 * s.r + offset * sum_w);
    if (!(s.gg > 0)) return {scale, 0, rr};
    const float rg = s.rg + offset * s.g;
    return {scale + rg / s.gg, 0, rr - rg / s.gg * rg};
}

// The least error with an offset, over a grid that begins at 0. `inset`: how far both ends of the weights' range may be
// cut off, as shares of it.
template <class Grid, std::size_t n>
Fit fit_affine(const float* x, const float* w, Reach inset, bool may_be_positive) noexcept {
    float low = x[0];
    float high = x[0];
    float sum_w = 0;
    for (std::size_t k = 0; k < n; ++k) {
        low = x[k] < low ? x[k] : low;
        high = x[k] > high ? x[k] : high;
        sum_w += w[k];
    }
    if (low > 0 && !may_be_positive) low = 0;
    if (high - low < kTiny) return {0, low, 0};
    Fit best;
    const auto consider = [&](float scale, float offset) {
        const Fit fit = corrected(residuals<Grid, true, n>(x, w, offset, scale), sum_w, scale, offset, may_be_positive);
        if (!(fit.error < best.error)) return false;
        best = fit;
        return true;
    };
    for (int i = 0; i < inset.count; ++i) {
        const float below = inset.first + inset.step * static_cast<float>(i);
        for (int j = 0; j < inset.count; ++j) {
            const float above = inset.first + inset.step * static_cast<float>(j);
            consider((high - low) * (1 - below - above) / Grid::kHigh, low + (high - low) * below);
        }
    }
    for (int i = 0; i < kRefinements && consider(best.scale, best.offset); ++i) {
    }
    return best;
}

}  // namespace linnet::quantize
