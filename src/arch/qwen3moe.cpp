// SPDX-License-Identifier: MIT
// Qwen 3 with experts: norms of q and k by head; the weights of the chosen experts sum to 1. Report: arXiv
// 2505.09388.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    read_experts(h, spec, Routing::softmax_chosen);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_q_norm, Dim::head_dim, Dim::one},
    {Role::attn_k_norm, Dim::head_dim, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_qwen3moe;
constexpr ArchSpec arch_qwen3moe = {"qwen3moe", read, kSlots};

}  // namespace linnet::arch
