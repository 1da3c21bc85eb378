// SPDX-License-Identifier: MIT
// Tensors of Qwen 3.5, dense and with experts: a layer has those of its mixer and of its feed-forward.
#pragma once

#include "arch/arch_spec.hpp"

namespace linnet::arch {

inline constexpr TensorSlot kQwen35Slots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::delta_qkv, Dim::d_model, Dim::conv_width},
    {Role::delta_gate, Dim::d_model, Dim::value_width},
    {Role::conv_taps, Dim::n_taps, Dim::channels},
    {Role::ssm_a, Dim::value_heads, Dim::one},
    {Role::ssm_dt_bias, Dim::value_heads, Dim::one},
    {Role::ssm_alpha, Dim::d_model, Dim::value_heads},
    {Role::ssm_beta, Dim::d_model, Dim::value_heads},
    {Role::ssm_norm, Dim::d_value, Dim::one},
    {Role::ssm_out, Dim::value_width, Dim::d_model},
    {Role::attn_q, Dim::d_model, Dim::q_and_gate},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_q_norm, Dim::head_dim, Dim::one},
    {Role::attn_k_norm, Dim::head_dim, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::ffn_norm, Dim::d_model, Dim::one, Need::required, "post_attention_norm.weight"},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
    {Role::ffn_gate_inp_shexp, Dim::d_model, Dim::shared_gate},
    {Role::ffn_gate_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_up_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_down_shexp, Dim::d_ff_shared, Dim::d_model},
};

}  // namespace linnet::arch
