// SPDX-License-Identifier: MIT
// Nomic Embed: BERT's norms after each residual sum with rotary positions, a gated feed-forward, q, k, v in one tensor
// and no biases in matrices. Report: arXiv 2402.01613.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    spec.norm = NormKind::layer;
    read_decoder(h, spec);
    spec.n_token_types = rows_of(file, "token_types.weight");
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::token_embd_norm, Dim::d_model, Dim::one},
    {Role::token_embd_norm_bias, Dim::d_model, Dim::one},
    {Role::token_types, Dim::d_model, Dim::n_token_types, Need::optional},
    {Role::attn_qkv, Dim::d_model, Dim::qkv},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::attn_output_norm, Dim::d_model, Dim::one},
    {Role::attn_output_norm_bias, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::layer_output_norm, Dim::d_model, Dim::one},
    {Role::layer_output_norm_bias, Dim::d_model, Dim::one},
};

}  // namespace

extern const ArchSpec arch_nomic_bert;
constexpr ArchSpec arch_nomic_bert = {"nomic-bert", read, kSlots};

}  // namespace linnet::arch
