// SPDX-License-Identifier: MIT
// What attention over latents (arch::LatentSpec) does otherwise, and what the two share. Internal to model/.
#pragma once

#include "model/linear.hpp"

namespace linnet {

// Rotates the first n_rot of x by the position of token t.
void rotate(const Pass& pass, const arch::LayerSpec& layer, std::size_t t, float* x) noexcept;

// What the query of token t is multiplied by.
float query_scale(const Pass& pass, const arch::LayerSpec& layer, std::size_t t) noexcept;

// Queries of all heads, as they meet the cached latents, into s.q; latents into the cache. False when cancelled.
bool prepare_latent(const Pass& pass, std::size_t layer) noexcept;

// Sums of latents in s.h -> values of all heads, [n_tokens][n_heads * value] in s.qkv. False when cancelled.
bool latent_values(const Pass& pass, std::size_t layer) noexcept;

}  // namespace linnet
