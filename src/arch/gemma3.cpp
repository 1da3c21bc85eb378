// SPDX-License-Identifier: MIT
// Gemma 3 text models: five sliding-window layers to one global, each kind with its own rotary base; norms before and
// after attention and feed-forward; q/k norms; scaled embeddings. Report: arXiv 2503.19786.
#include "arch/hparams.hpp"
#include "base/math.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.embedding_scale = static_cast<float>(math::sqrt(spec.d_model));

    const RopeSpec global = read_rope(h, spec, RopeKind::neox);
    RopeSpec local;  // scaling, where a file has it, is for the global layers only
    local.kind = global.kind;
    local.n_rot = global.n_rot;
    local.theta = h.positive_or("rope.freq_base_swa", 10000.0F);
    spec.ropes = {global, local};

    const std::uint32_t n_layers = static_cast<std::uint32_t>(spec.layers.size());
    const std::uint32_t window = h.count("attention.sliding_window", 1U << 28);
    const std::uint32_t period = h.count_or("attention.sliding_window_pattern", 6, n_layers + 6);
    for (std::uint32_t i = 0; i < n_layers; ++i) {
        LayerSpec& layer = spec.layers[i];
        const bool is_global = period != 0 && i % period == period - 1;
        layer.window = is_global ? 0 : window;
        layer.rope = is_global ? 0 : 1;
        layer.activation = Activation::gelu_tanh;
        // The 27B model: query_pre_attn_scalar is d_model / n_heads, which the file does not say (gemma_pytorch).
        if (n_layers == 62) {
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
    {Role::attn_q_norm, Dim::head_dim, Dim::one},
    {Role::attn_k_norm, Dim::head_dim, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::post_attention_norm, Dim::d_model, Dim::one},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::post_ffw_norm, Dim::d_model, Dim::one},
};

}  // namespace

extern const ArchSpec arch_gemma3;
constexpr ArchSpec arch_gemma3 = {"gemma3", read, kSlots};

}  // namespace linnet::arch
