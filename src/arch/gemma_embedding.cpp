// SPDX-License-Identifier: MIT
// EmbeddingGemma: the layers of Gemma 3 with attention to both sides; the window of five layers in six is symmetric.
// Files may carry the two dense layers that follow the pooling. Report: arXiv 2509.20354.
#include "arch/hparams.hpp"
#include "base/error.hpp"
#include "base/math.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.bidirectional = true;  // files do not say so
    spec.embedding_scale = static_cast<float>(math::sqrt(spec.d_model));
    spec.d_dense = rows_of(file, "dense_2.weight");
    const std::uint32_t d_dense_key = h.count_or("dense_2_feat_out", spec.d_dense, 1U << 20);
    if (d_dense_key != spec.d_dense) {
        throw Error(Status::bad_file, "key '{}' is {} but tensor 'dense_2.weight' has {} rows",
                    h.key("dense_2_feat_out"), d_dense_key, spec.d_dense);
    }

    const RopeSpec global = read_rope(h, spec, RopeKind::neox);
    RopeSpec local;
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
    }
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::dense_2, Dim::d_model, Dim::d_dense, Need::optional},
    {Role::dense_3, Dim::d_dense, Dim::d_model, Need::with_previous},
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

extern const ArchSpec arch_gemma_embedding;
constexpr ArchSpec arch_gemma_embedding = {"gemma-embedding", read, kSlots};

}  // namespace linnet::arch
