// SPDX-License-Identifier: MIT
// Gemma 4, text models, dense (E2B and the like) or with experts beside the dense feed-forward (26B-A4B): windowed and
// global layers with heads of different sizes, normed values, embeddings of each layer's own, the last layers attending
// to the keys and values of earlier ones. As the models' own code describes them.
#include <string>

#include "arch/hparams.hpp"
#include "base/error.hpp"
#include "base/math.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.embedding_scale = static_cast<float>(math::sqrt(spec.d_model));
    spec.logit_cap = h.has("final_logit_softcapping") ? h.positive("final_logit_softcapping") : 0.0F;
    read_per_layer_embedding(h, spec);
    if (has_experts(h)) read_experts(h, spec, Routing::softmax_chosen, true);

    // Global layers rotate a part of their pairs: the file divides the frequencies of the others by 1e30.
    RopeSpec global = read_rope(h, spec, RopeKind::neox);
    global.use_factors = true;
    RopeSpec local;
    local.theta = h.positive_or("rope.freq_base_swa", 10000.0F);
    const std::uint32_t head_dim = spec.layers[0].head_dim;
    const std::uint32_t local_head_dim = h.count_or("attention.key_length_swa", head_dim, head_dim);
    const std::uint32_t local_value_length = h.count_or("attention.value_length_swa", local_head_dim, head_dim);
    if (local_head_dim == 0 || local_head_dim % 2 != 0 || local_value_length != local_head_dim) {
        throw Error(Status::bad_file, "keys '{}' ({}) and '{}' ({}) are not one even count",
                    h.key("attention.key_length_swa"), local_head_dim, h.key("attention.value_length_swa"),
                    local_value_length);
    }
    local.n_rot = h.count_or("rope.dimension_count_swa", local_head_dim, local_head_dim);
    if (local.n_rot == 0 || local.n_rot % 2 != 0) {
        throw Error(Status::bad_file, "key '{}' is {}, not an even count", h.key("rope.dimension_count_swa"),
                    local.n_rot);
    }
    spec.ropes = {global, local};

    read_windows_and_sharing(h, spec);
    for (std::size_t i = 0; i < spec.layers.size(); ++i) {
        LayerSpec& layer = spec.layers[i];
        if (layer.window != 0) layer.head_dim = local_head_dim;
        layer.value_norm = true;
        layer.attention_scale = 1.0F;
        layer.activation = Activation::gelu_tanh;
        // Global layers of some models take their keys, before norm and rotation, for values as well.
        const std::string value = format_text("blk.{}.attn_v.weight", i);
        if (layer.window != 0 && layer.kv_layer == kOwn && file.find_tensor(value) == nullptr) {
            throw Error(Status::bad_file, "tensor '{}' is missing", value);
        }
    }
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::per_layer_token_embd, Dim::all_per_layer, Dim::n_vocab_per_layer},
    {Role::per_layer_model_proj, Dim::d_model, Dim::all_per_layer},
    {Role::per_layer_proj_norm, Dim::d_per_layer, Dim::one},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::rope_freqs, Dim::half_rot, Dim::one},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv, Need::optional},
    {Role::attn_q_norm, Dim::head_dim, Dim::one},
    {Role::attn_k_norm, Dim::head_dim, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::post_attention_norm, Dim::d_model, Dim::one},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::post_ffw_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::ffn_gate_inp_scale, Dim::d_model, Dim::one, Need::with_previous},
    {Role::pre_ffw_norm_2, Dim::d_model, Dim::one, Need::with_previous},
    {Role::post_ffw_norm_1, Dim::d_model, Dim::one, Need::with_previous},
    {Role::post_ffw_norm_2, Dim::d_model, Dim::one, Need::with_previous},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
    {Role::ffn_down_exps_scale, Dim::n_experts, Dim::one},
    {Role::per_layer_gate, Dim::d_model, Dim::d_per_layer},
    {Role::per_layer_proj, Dim::d_per_layer, Dim::d_model},
    {Role::per_layer_post_norm, Dim::d_model, Dim::one, Need::with_previous},
    {Role::layer_output_scale, Dim::one, Dim::one, Need::optional},
};

}  // namespace

extern const ArchSpec arch_gemma4;
constexpr ArchSpec arch_gemma4 = {"gemma4", read, kSlots};

}  // namespace linnet::arch
