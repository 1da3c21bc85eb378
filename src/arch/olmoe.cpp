// SPDX-License-Identifier: MIT
// OLMoE: norms of all queries and keys of a token as one; the weights of the chosen experts are left as they are.
// Report: arXiv 2409.02060.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    read_experts(h, spec, Routing::softmax_all);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
    for (LayerSpec& layer : spec.layers) layer.head_norm = HeadNorm::row;
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_q_norm, Dim::q, Dim::one},
    {Role::attn_k_norm, Dim::kv, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_olmoe;
constexpr ArchSpec arch_olmoe = {"olmoe", read, kSlots};

}  // namespace linnet::arch
