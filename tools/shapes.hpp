// SPDX-License-Identifier: MIT
// Shapes of published models and mixes of published quantisations, as data for `linnet synth`.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tools {

// Names and sizes as in the models' own configurations.
struct Shape {
    std::string_view name;
    std::string_view arch;
    std::uint32_t n_layers;
    std::uint32_t d_model;
    std::uint32_t d_ff;
    std::uint32_t n_heads;
    std::uint32_t n_kv_heads;
    std::uint32_t head_dim;
    std::uint32_t n_vocab;
    std::uint32_t n_ctx;
    float theta;
    float eps = 1e-6F;
    std::uint32_t n_rot = 0;      // 0: head_dim
    std::uint32_t window = 0;     // 0: none
    std::uint32_t n_experts = 0;  // each d_ff wide; 0: none
    std::uint32_t n_used = 0;
    bool tied = true;  // no output matrix of its own
    bool qk_norm = false;
    bool row_norm = false;   // of all heads as one
    bool post_norm = false;  // norms after attention and feed-forward as well
    bool fused = false;      // q, k, v in one matrix, gate and up in another
};
std::span<const Shape> shapes() noexcept;

// Tensor types of a mix. `more` replaces `base` for attn_v and ffn_down in the layers that llama-quantize gives more
// bits to; `output` is for the output matrix, which is the embedding when that is tied.
struct Mix {
    std::string_view name;
    std::uint32_t file_type;  // general.file_type
    std::string_view base;
    std::string_view more;
    std::string_view output;
};
std::span<const Mix> mixes() noexcept;

// First and last eighth of the layers and every third between.
bool gets_more_bits(std::uint32_t layer, std::uint32_t n_layers) noexcept;

}  // namespace tools
