// SPDX-License-Identifier: MIT
#include "model/tensor_slots.hpp"

#include <array>

#include "base/error.hpp"

namespace linnet {

using arch::Dim;
using arch::Role;
using arch::TensorSlot;

namespace {

// Names in files, in the order of arch::Role; roles from attn_norm on are "blk.<layer>.<name>".
constexpr std::array<std::string_view, arch::kRoles> kNames = {
    "token_embd.weight",
    "token_embd_norm.weight",
    "token_embd_norm.bias",
    "position_embd.weight",
    "token_types.weight",
    "per_layer_token_embd.weight",
    "per_layer_model_proj.weight",
    "per_layer_proj_norm.weight",
    "altup_proj.weight",
    "output_norm.weight",
    "output_norm.bias",
    "output.weight",
    "output.bias",
    "dense_2.weight",
    "dense_3.weight",
    "cls.weight",
    "cls.bias",
    "cls.output.weight",
    "cls.output.bias",
    "rope_freqs.weight",
    "rope_factors_long.weight",
    "rope_factors_short.weight",
    "attn_norm.weight",
    "attn_norm.bias",
    "attn_q.weight",
    "attn_k.weight",
    "attn_v.weight",
    "attn_qkv.weight",
    "attn_qkv.bias",
    "attn_q.bias",
    "attn_k.bias",
    "attn_v.bias",
    "attn_q_norm.weight",
    "attn_k_norm.weight",
    "attn_sinks.weight",
    "attn_output.weight",
    "attn_output.bias",
    "post_attention_norm.weight",
    "attn_output_norm.weight",
    "attn_output_norm.bias",
    "ffn_norm.weight",
    "ffn_norm.bias",
    "ffn_gate.weight",
    "ffn_up.weight",
    "ffn_down.weight",
    "ffn_gate.bias",
    "ffn_up.bias",
    "ffn_down.bias",
    "post_ffw_norm.weight",
    "layer_output_norm.weight",
    "layer_output_norm.bias",
    "inp_gate.weight",
    "proj.weight",
    "post_norm.weight",
    "layer_output_scale.weight",
    "altup_unembd_proj.weight",
    "altup_router.weight",
    "altup_router_norm.weight",
    "altup_predict_coef.weight",
    "altup_correct_coef.weight",
    "altup_correct_scale.weight",
    "laurel_l.weight",
    "laurel_r.weight",
    "laurel_post_norm.weight",
    "ssm_conv1d.weight",
    "ssm_conv1d.bias",
    "shortconv.in_proj.weight",
    "shortconv.out_proj.weight",
    "attn_qkv.weight",
    "attn_gate.weight",
    "ssm_in.weight",
    "ssm_d",
    "ssm_a",
    "ssm_dt.bias",
    "ssm_alpha.weight",
    "ssm_beta.weight",
    "ssm_ba.weight",
    "ssm_norm.weight",
    "ssm_out.weight",
    "ffn_gate_inp.weight",
    "ffn_gate_inp.bias",
    "exp_probs_b.bias",
    "ffn_gate_inp.scale",
    "ffn_down_exps.scale",
    "pre_ffw_norm_2.weight",
    "post_ffw_norm_1.weight",
    "post_ffw_norm_2.weight",
    "ffn_gate_inp_shexp.weight",
    "ffn_gate_shexp.weight",
    "ffn_up_shexp.weight",
    "ffn_down_shexp.weight",
    "ffn_gate_exps.bias",
    "ffn_up_exps.bias",
    "ffn_down_exps.bias",
    "attn_q_a.weight",
    "attn_q_a_norm.weight",
    "attn_q_b.weight",
    "attn_kv_a_mqa.weight",
    "attn_kv_a_norm.weight",
    "attn_kv_b.weight",
    "ffn_gate_up_exps.weight",
    "ffn_gate_up_exps.bias",
    "ffn_gate_exps.weight",
    "ffn_up_exps.weight",
    "ffn_down_exps.weight",
    "attn_k_b.weight",
    "attn_v_b.weight",
};

}  // namespace

bool per_layer(Role role) {
    return static_cast<std::size_t>(role) >= arch::kModelRoles && role != Role::altup_unembd_proj;
}

std::string tensor_name(Role role, std::size_t layer, std::string_view own) {
    const std::string_view name = own.empty() ? kNames[static_cast<std::size_t>(role)] : own;
    return per_layer(role) ? format_text("blk.{}.{}", layer, name) : std::string(name);
}

std::string expert_name(Role role, std::size_t layer, std::size_t expert) {
    constexpr std::string_view kSuffix = "_exps.weight";
    std::string_view name = kNames[static_cast<std::size_t>(role)];
    name.remove_suffix(kSuffix.size());
    return format_text("blk.{}.{}.{}.weight", layer, name, expert);
}

std::uint64_t extent(const arch::ModelSpec& spec, std::size_t layer_index, Dim dim) {
    const arch::LayerSpec& layer = spec.layers[layer_index];
    const auto latent_plain = [&] { return std::uint64_t{layer.latent.query - spec.ropes[layer.rope].n_rot}; };
    const std::uint64_t q = std::uint64_t{layer.n_heads} * layer.head_dim;
    const std::uint64_t kv = std::uint64_t{layer.n_kv_heads} * layer.head_dim;
    switch (dim) {
        case Dim::one: return 1;
        case Dim::d_model: return spec.d_model;
        case Dim::n_vocab: return spec.n_vocab;
        case Dim::q: return q;
        case Dim::q_and_gate: return 2 * q;
        case Dim::kv: return kv;
        case Dim::qkv: return q + 2 * kv;
        case Dim::head_dim: return layer.head_dim;
        case Dim::n_heads: return layer.n_heads;
        case Dim::n_kv_heads: return layer.n_kv_heads;
        case Dim::n_positions: return spec.n_positions;
        case Dim::n_token_types: return spec.n_token_types;
        case Dim::d_dense: return spec.d_dense;
        case Dim::n_classes: return spec.n_classes;
        case Dim::d_ff: return layer.d_ff;
        case Dim::two_d_ff: return 2 * std::uint64_t{layer.d_ff};
        case Dim::half_rot: return spec.ropes[0].n_rot / 2;
        case Dim::n_vocab_per_layer: return spec.n_vocab_per_layer;
        case Dim::d_per_layer: return spec.d_per_layer;
        case Dim::all_per_layer: return spec.layers.size() * std::uint64_t{spec.d_per_layer};
        case Dim::n_streams:
        case Dim::streams: return spec.n_streams;
        case Dim::stream_pairs: return std::uint64_t{spec.n_streams} * spec.n_streams;
        case Dim::other_streams: return (spec.n_streams - 1) * std::uint64_t{spec.d_model};
        case Dim::d_laurel: return spec.d_laurel;
        case Dim::d_shortconv: return layer.mixer == arch::Mixer::short_conv ? spec.d_model : 0;
        case Dim::three_d_shortconv: return 3 * extent(spec, layer_index, Dim::d_shortconv);
        case Dim::n_taps: return layer.n_taps;
        case Dim::channels:
        case Dim::conv_width: return arch::conv_width(spec, layer);
        case Dim::value_heads: return layer.delta.n_value_heads;
        case Dim::two_value_heads: return 2 * std::uint64_t{layer.delta.n_value_heads};
        case Dim::d_value: return layer.delta.d_value;
        case Dim::value_width: return std::uint64_t{layer.delta.n_value_heads} * layer.delta.d_value;
        case Dim::ssm_in:
            return extent(spec, layer_index, Dim::conv_width) + extent(spec, layer_index, Dim::value_width) +
                   layer.delta.n_value_heads;
        case Dim::each_value_head: return layer.delta.n_value_heads;
        case Dim::each_key_head: return layer.delta.n_key_heads;
        case Dim::key_group_width:
            return layer.delta.n_key_heads == 0 ? 0
                                                : extent(spec, layer_index, Dim::value_width) / layer.delta.n_key_heads;
        case Dim::n_experts:
        case Dim::each_expert: return layer.experts.n_experts;
        case Dim::d_ff_expert: return layer.experts.d_ff;
        case Dim::two_d_ff_expert: return 2 * std::uint64_t{layer.experts.d_ff};
        case Dim::d_ff_shared: return layer.experts.d_ff_shared;
        case Dim::shared_gate: return layer.experts.n_experts != 0 ? 1 : 0;
        case Dim::latent_rank: return layer.latent.rank;
        case Dim::latent_query_rank: return layer.latent.query_rank;
        case Dim::latent_queries: return std::uint64_t{layer.n_heads} * layer.latent.query;
        case Dim::latent_q: return layer.latent.query_rank == 0 ? extent(spec, layer_index, Dim::latent_queries) : 0;
        case Dim::latent_plain: return latent_plain();
        case Dim::latent_value: return layer.latent.value;
        case Dim::latent_values: return std::uint64_t{layer.n_heads} * layer.latent.value;
        case Dim::latent_kv: return layer.n_heads * (latent_plain() + layer.latent.value);
    }
    return 0;
}

bool is_vector(Dim n_out) {
    switch (n_out) {
        case Dim::one:
        case Dim::n_heads:
        case Dim::n_kv_heads:
        case Dim::streams:
        case Dim::stream_pairs:
        case Dim::channels:
        case Dim::each_value_head:
        case Dim::each_key_head:
        case Dim::each_expert: return true;
        default: return false;
    }
}

bool has_extent(const arch::ModelSpec& spec, const TensorSlot& slot, std::size_t layer) {
    return extent(spec, layer, slot.n_in) != 0 && extent(spec, layer, slot.n_out) != 0;
}

}  // namespace linnet
