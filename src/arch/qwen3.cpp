// SPDX-License-Identifier: MIT
// Qwen 3: an RMS norm on each head of q and k before rotation. Report: arXiv 2505.09388.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    read_classifier(h, spec);
    spec.softmax_classes = true;  // rerankers: the logits of "yes" and "no"
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::cls_output, Dim::d_model, Dim::n_classes, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_q_norm, Dim::head_dim, Dim::one},
    {Role::attn_k_norm, Dim::head_dim, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_qwen3;
constexpr ArchSpec arch_qwen3 = {"qwen3", read, kSlots};

}  // namespace linnet::arch
