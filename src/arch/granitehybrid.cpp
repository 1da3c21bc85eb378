// SPDX-License-Identifier: MIT
// Granite 4 hybrids: state spaces (layers without KV heads) and a few layers of attention without positions, dense or
// with experts and a shared one; scales as those of granite.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec, 0);
    if (has_experts(h)) read_experts(h, spec, Routing::softmax_chosen);
    read_scales(h, spec);
    spec.ropes.push_back(read_granite_rope(h, spec));
    read_state_spaces(h, spec);
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::ssm_in, Dim::d_model, Dim::ssm_in},
    {Role::conv_taps, Dim::n_taps, Dim::channels},
    {Role::conv_bias, Dim::conv_width, Dim::one},
    {Role::ssm_dt_bias, Dim::value_heads, Dim::one},
    {Role::ssm_a, Dim::one, Dim::each_value_head},
    {Role::ssm_d, Dim::one, Dim::each_value_head},
    {Role::ssm_norm, Dim::key_group_width, Dim::each_key_head},
    {Role::ssm_out, Dim::value_width, Dim::d_model},
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
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
    {Role::ffn_gate_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_up_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_down_shexp, Dim::d_ff_shared, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_granitehybrid;
constexpr ArchSpec arch_granitehybrid = {"granitehybrid", read, kSlots};

}  // namespace linnet::arch
