// SPDX-License-Identifier: MIT
// Command R7B and the like: one LayerNorm without bias before attention and feed-forward side by side; three layers
// with a sliding window and rotation to one that is global and has no positions.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    spec.norm = NormKind::layer;
    read_decoder(h, spec);
    spec.logit_scale = h.positive_or("logit_scale", 1.0F);
    RopeSpec none;
    none.kind = RopeKind::none;
    spec.ropes = {read_rope(h, spec, RopeKind::interleaved), none};

    const std::uint32_t window = h.count("attention.sliding_window", 1U << 28);
    for (std::size_t i = 0; i < spec.layers.size(); ++i) {
        LayerSpec& layer = spec.layers[i];
        const bool is_global = i % 4 == 3;
        layer.window = is_global ? 0 : window;
        layer.rope = is_global ? 1 : 0;
        layer.parallel = true;
    }
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_q_bias, Dim::q, Dim::one, Need::optional},
    {Role::attn_k_bias, Dim::kv, Dim::one, Need::optional},
    {Role::attn_v_bias, Dim::kv, Dim::one, Need::optional},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::attn_output_bias, Dim::d_model, Dim::one, Need::optional},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_cohere2;
constexpr ArchSpec arch_cohere2 = {"cohere2", read, kSlots};

}  // namespace linnet::arch
