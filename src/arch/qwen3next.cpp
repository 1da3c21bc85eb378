// SPDX-License-Identifier: MIT
// Qwen3-Next: three gated delta nets to one layer of gated attention, as in Qwen 3.5, and experts with a shared one
// behind a sigmoid in all layers. As the models' own code describes them.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    read_experts(h, spec, Routing::softmax_chosen);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
    read_delta_nets(h, spec);
    for (LayerSpec& layer : spec.layers) layer.delta.grouped = true;
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::delta_qkv, Dim::d_model, Dim::conv_width},
    {Role::delta_gate, Dim::d_model, Dim::value_width},
    {Role::conv_taps, Dim::n_taps, Dim::channels},
    {Role::ssm_a, Dim::value_heads, Dim::one},
    {Role::ssm_dt_bias, Dim::value_heads, Dim::one},
    {Role::ssm_ba, Dim::d_model, Dim::two_value_heads},
    {Role::ssm_norm, Dim::d_value, Dim::one},
    {Role::ssm_out, Dim::value_width, Dim::d_model},
    {Role::attn_q, Dim::d_model, Dim::q_and_gate},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_q_norm, Dim::head_dim, Dim::one},
    {Role::attn_k_norm, Dim::head_dim, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::ffn_norm, Dim::d_model, Dim::one, Need::required, "post_attention_norm.weight"},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
    {Role::ffn_gate_inp_shexp, Dim::d_model, Dim::shared_gate},
    {Role::ffn_gate_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_up_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_down_shexp, Dim::d_ff_shared, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_qwen3next;
constexpr ArchSpec arch_qwen3next = {"qwen3next", read, kSlots};

}  // namespace linnet::arch
