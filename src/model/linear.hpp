// SPDX-License-Identifier: MIT
// The two halves of a linear layer, for those who fuse something in between. Internal to model/.
#pragma once

#include "model/pass.hpp"

namespace linnet {

inline kernels::Activations activations_of(const Matrix& w) noexcept { return kernels::info(w.format).activations; }

// Packs n values of token t of n_tokens, x[first, first + n) of a row of activations, into panels of `kind`.
// first is a multiple of kQuantBlock.
void pack_row(const Pass& pass, kernels::Activations kind, const float* values, std::size_t first, std::size_t n,
              std::size_t n_in, std::size_t t, std::size_t n_tokens, const Panels& panels) noexcept;

struct TokenRange {
    std::size_t first;  // begins a panel
    std::size_t n;      // up to the end of a panel, or of all tokens
};

// y[t, r] = x[t] * W[r] * scale for some tokens and the rows of tiles [first_tile, first_tile + n_tiles); y points to
// the first of both.
void multiply_tiles(const Pass& pass, const Matrix& w, std::size_t first_tile, std::size_t n_tiles,
                    const Panels& panels, TokenRange tokens, float* y, std::size_t y_stride,
                    WorkerScratch& worker) noexcept;

// All rows of all projections, whose input is packed in `panels`. False when cancelled. part: what its time counts as.
bool multiply(const Pass& pass, Part part, std::span<const Projection> projections, const Panels& panels,
              std::size_t n_tokens) noexcept;

}  // namespace linnet
