// SPDX-License-Identifier: MIT
// Gemma 2: every other layer has a sliding window, the first one among them; soft caps on scores and logits; norms
// before and after attention and feed-forward. Report: arXiv 2408.00118.
#include "arch/hparams.hpp"
#include "base/math.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.embedding_scale = static_cast<float>(math::sqrt(spec.d_model));
    spec.logit_cap = h.positive_or("final_logit_softcapping", 30.0F);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));

    const std::size_t n_layers = spec.layers.size();
    const std::uint32_t window = h.count_or("attention.sliding_window", 4096, 1U << 28);
    const float cap = h.positive_or("attn_logit_softcapping", 50.0F);
    for (std::size_t i = 0; i < n_layers; ++i) {
        LayerSpec& layer = spec.layers[i];
        layer.window = i % 2 == 0 ? window : 0;
        layer.attention_cap = cap;
        layer.activation = Activation::gelu_tanh;
        // The 27B model: query_pre_attn_scalar is d_model / n_heads, which the file does not say (gemma_pytorch).
        if (n_layers == 46) {
            layer.attention_scale = static_cast<float>(1.0 / math::sqrt(spec.d_model / layer.n_heads));
        }
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
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::post_attention_norm, Dim::d_model, Dim::one},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::post_ffw_norm, Dim::d_model, Dim::one},
};

}  // namespace

extern const ArchSpec arch_gemma2;
constexpr ArchSpec arch_gemma2 = {"gemma2", read, kSlots};

}  // namespace linnet::arch
