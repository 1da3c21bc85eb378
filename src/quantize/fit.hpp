// SPDX-License-Identifier: MIT
// The search for the scale (and offset) of a few weights that share them, with the least weighted squared error
//     E = sum_k w[k] (x[k] - offset - scale * g[k])^2,    g[k] in a grid (the values that a quant can stand for).
// For a given step of the grid every weight takes the nearest value, and then the best scale and offset follow from
// linear least squares; the search tries steps and repeats both until nothing improves. All sums have 8 striped
// partial sums and one fixed tree, so that compilers may use vectors and results are the same everywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "quantize/blocks.hpp"

namespace linnet::quantize {

// Nearest integer in [low, high], as a float.
template <int low, int high>
struct Integers {
    static constexpr float kLow = low;
    static constexpr float kHigh = high;
    static float nearest(float u) noexcept {
        constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: adding it leaves no fraction bits
        u = u < kLow ? kLow : u;
        u = u > kHigh ? kHigh : u;
        return (u + kShift) - kShift;
    }
};

// The nearest value of the codebook and its index, for [-128, 128) in steps of 1/2: the middles between the codebook's
// values are multiples of that.
struct CodebookEntry {
    float value;
    std::uint32_t index;
};
constexpr std::array<CodebookEntry, 512> make_codebook_table() {
    std::array<CodebookEntry, 512> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        const int middle = 2 * (static_cast<int>(i) - 256) + 1;  // of the step, times 4
        std::uint32_t best = 0;
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
    static float nearest(float u) noexcept { return entry(u).value; }
};

using Lanes = float[8];

inline float sum(const Lanes& v) noexcept {
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

// Sums over the weights with r = x - offset - scale * g: what is left and what it has in common with the grid's values.
struct Sums {
    float rr = 0, rg = 0, r = 0, gg = 0, g = 0;
};

// w, x [n]; n a multiple of 8. Without kOffset r and g stay 0.
template <class Grid, bool kOffset, std::size_t n>
Sums residuals(const float* x, const float* w, float offset, float scale) noexcept {
    const float inverse = scale != 0.0F ? 1.0F / scale : 0.0F;
    Lanes rr = {}, rg = {}, r1 = {}, gg = {}, g1 = {};
    for (std::size_t i = 0; i < n; i += 8) {
        for (std::size_t lane = 0; lane < 8; ++lane) {
            const float centred = x[i + lane] - offset;
            const float g = Grid::nearest(centred * inverse);
            const float r = centred - scale * g;
            const float wr = w[i + lane] * r;
            const float wg = w[i + lane] * g;
            rr[lane] += wr * r;
            rg[lane] += wr * g;
            gg[lane] += wg * g;
            if constexpr (kOffset) {
                r1[lane] += wr;
                g1[lane] += wg;
            }
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

// What least squares makes of a step and an offset. W is the sum of w.
inline Fit corrected(const Sums& s, float sum_w, float scale, float offset, bool may_be_positive) noexcept {
    const float determinant = s.gg * sum_w - s.g * s.g;
    if (!(determinant > 1e-6F * s.gg * sum_w)) return {};
    const float change = (s.rg * sum_w - s.g * s.r) / determinant;
    const float shift = (s.gg * s.r - s.g * s.rg) / determinant;
    if (offset + shift <= 0 || may_be_positive) {
        return {scale + change, offset + shift, s.rr - change * s.rg - shift * s.r};
    }
    // With offset 0 the residuals are r + offset.
    const float rg = s.rg + offset * s.g;
    const float rr = s.rr + offset * (2 * s.r + offset * sum_w);
    return {scale + rg / s.gg, 0, rr - rg / s.gg * rg};
}

// The least error with an offset, over a grid that begins at 0. `inset`: how far both ends of the weights' range may be
// cut off, as shares of it.
template <class Grid, std::size_t n>
Fit fit_affine(const float* x, const float* w, Reach inset, bool may_be_positive) noexcept {
    float low = x[0];
    float high = x[0];
    Lanes ws = {};
    for (std::size_t k = 0; k < n; ++k) {
        low = x[k] < low ? x[k] : low;
        high = x[k] > high ? x[k] : high;
        ws[k % 8] += w[k];
    }
    if (low > 0 && !may_be_positive) low = 0;
    if (high - low < kTiny) return {0, low, 0};
    const float sum_w = sum(ws);
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
