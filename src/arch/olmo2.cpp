// SPDX-License-Identifier: MIT
// OLMo 2 and 3: norms only after attention and feed-forward, and of all queries and keys of a token as one. OLMo 3 has
// sliding windows on three of four layers; its YaRN is for the global ones. Report: arXiv 2501.00656.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    const RopeSpec global = read_rope(h, spec, RopeKind::neox);
    RopeSpec local;
    local.n_rot = global.n_rot;
    local.theta = global.theta;
    spec.ropes = {global, local};

    const std::size_t n_layers = spec.layers.size();
    const std::uint32_t window = h.count_or("attention.sliding_window", 0, 1U << 28);
    const std::vector<bool> windowed = h.layer_flags("attention.sliding_window_pattern", n_layers);
    for (std::size_t i = 0; i < n_layers; ++i) {
        LayerSpec& layer = spec.layers[i];
        layer.head_norm = HeadNorm::row;
        const bool is_local = window != 0 && (windowed.empty() ? i % 4 != 3 : windowed[i]);
        layer.window = is_local ? window : 0;
        layer.rope = is_local ? 1 : 0;
    }
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_q_norm, Dim::q, Dim::one},
    {Role::attn_k_norm, Dim::kv, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::post_attention_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::post_ffw_norm, Dim::d_model, Dim::one},
};

}  // namespace

extern const ArchSpec arch_olmo2;
constexpr ArchSpec arch_olmo2 = {"olmo2", read, kSlots};

}  // namespace linnet::arch
