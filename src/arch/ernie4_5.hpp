// SPDX-License-Identifier: MIT
// Tensors of ERNIE 4.5, dense and with experts: a layer has those of its feed-forward.
#pragma once

#include "arch/arch_spec.hpp"

namespace linnet::arch {

inline constexpr TensorSlot kErnie45Slots[] = {
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
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::exp_probs_b, Dim::n_experts, Dim::one, Need::optional},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
    {Role::ffn_gate_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_up_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_down_shexp, Dim::d_ff_shared, Dim::d_model},
};

}  // namespace linnet::arch
