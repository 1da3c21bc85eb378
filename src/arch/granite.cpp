// SPDX-License-Identifier: MIT
// Granite 3 dense: llama with scales.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
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
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::ffn_gate_bias, Dim::d_ff, Dim::one, Need::optional},
    {Role::ffn_up_bias, Dim::d_ff, Dim::one, Need::optional},
    {Role::ffn_down_bias, Dim::d_model, Dim::one, Need::optional},
};

}  // namespace

extern const ArchSpec arch_granite;
constexpr ArchSpec arch_granite = {"granite", read, kSlots};

}  // namespace linnet::arch
