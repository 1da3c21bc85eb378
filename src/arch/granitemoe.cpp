// SPDX-License-Identifier: MIT
// Granite 3 and 4 with experts, a shared one where the file has it; scales as those of granite.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    read_experts(h, spec, Routing::softmax_chosen);
    read_scales(h, spec);
    spec.ropes.push_back(read_granite_rope(h, spec));
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
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
    {Role::ffn_gate_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_up_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_down_shexp, Dim::d_ff_shared, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_granitemoe;
constexpr ArchSpec arch_granitemoe = {"granitemoe", read, kSlots};

}  // namespace linnet::arch
