// SPDX-License-Identifier: MIT
// Gemma 3n, text (E2B, E4B): four streams with alternating updates (AltUp, arXiv 2301.13310), low-rank residuals
// (LAuReL, arXiv 2411.07501), embeddings of each layer's own, sparse activations in the first layers, the last layers
// attending to the keys and values of earlier ones. As the models' own code describes them.
#include <algorithm>
#include <cmath>

#include "arch/hparams.hpp"
#include "base/error.hpp"
#include "base/math.hpp"

namespace linnet::arch {

namespace {

constexpr std::uint32_t kMaxStreams = 16;

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.embedding_scale = static_cast<float>(math::sqrt(spec.d_model));
    spec.logit_cap = h.positive_or("final_logit_softcapping", 30.0F);
    read_per_layer_embedding(h, spec);

    const RopeSpec global = read_rope(h, spec, RopeKind::neox);
    RopeSpec local;
    local.n_rot = global.n_rot;
    local.theta = h.positive_or("rope.freq_base_swa", 10000.0F);
    spec.ropes = {global, local};
    read_windows_and_sharing(h, spec);

    const auto n_layers = static_cast<std::uint32_t>(spec.layers.size());
    spec.n_streams = h.count("altup.num_inputs", std::min(kMaxStreams, n_layers + 1));
    spec.active_stream = h.count_or("altup.active_idx", 0, spec.n_streams - 1);
    constexpr std::string_view kLaurel = "blk.0.laurel_l.weight";
    spec.d_laurel = rows_of(file, kLaurel);
    if (spec.d_laurel == 0) throw Error(Status::bad_file, "tensor '{}' is missing", kLaurel);
    if (spec.d_laurel > spec.d_model) throw Error(Status::bad_file, "tensor '{}' has {} rows", kLaurel, spec.d_laurel);

    const std::string key = h.key("activation_sparsity_scale");
    const auto sparsity = file.f32s(key, *std::pmr::new_delete_resource());
    if (!sparsity || sparsity->size() != n_layers) {
        throw Error(Status::bad_file, "key '{}' has {} elements for {} layers", key, sparsity ? sparsity->size() : 0,
                    n_layers);
    }
    for (std::uint32_t i = 0; i < n_layers; ++i) {
        LayerSpec& layer = spec.layers[i];
        layer.value_norm = true;
        layer.attention_scale = 1.0F;
        layer.activation = Activation::gelu_tanh;
        layer.sparsity = (*sparsity)[i];
        if (!(layer.sparsity == kDense || std::fabs(layer.sparsity) < 100.0F)) {
            throw Error(Status::bad_file, "key '{}' is {} for layer {}", key, layer.sparsity, i);
        }
    }
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::per_layer_token_embd, Dim::all_per_layer, Dim::n_vocab_per_layer},
    {Role::per_layer_model_proj, Dim::d_model, Dim::all_per_layer},
    {Role::per_layer_proj_norm, Dim::d_per_layer, Dim::one},
    {Role::altup_proj, Dim::d_model, Dim::other_streams},
    {Role::altup_unembd_proj, Dim::d_model, Dim::other_streams},
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
    {Role::per_layer_gate, Dim::d_model, Dim::d_per_layer},
    {Role::per_layer_proj, Dim::d_per_layer, Dim::d_model},
    {Role::per_layer_post_norm, Dim::d_model, Dim::one, Need::with_previous},
    {Role::altup_router, Dim::d_model, Dim::n_streams},
    {Role::altup_router_norm, Dim::d_model, Dim::one},
    {Role::altup_predict_coef, Dim::n_streams, Dim::stream_pairs},
    {Role::altup_correct_coef, Dim::n_streams, Dim::streams},
    {Role::altup_correct_scale, Dim::d_model, Dim::one},
    {Role::laurel_l, Dim::d_model, Dim::d_laurel},
    {Role::laurel_r, Dim::d_laurel, Dim::d_model},
    {Role::laurel_post_norm, Dim::d_model, Dim::one},
};

}  // namespace

extern const ArchSpec arch_gemma3n;
constexpr ArchSpec arch_gemma3n = {"gemma3n", read, kSlots};

}  // namespace linnet::arch
