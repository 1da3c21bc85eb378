// SPDX-License-Identifier: MIT
// GLM-4 of 2025 (GLM-4-0414, GLM-Z1): partial interleaved rotation, gate and up in one tensor, norms before and after
// both halves of a layer.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::interleaved));
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
    {Role::post_attention_norm, Dim::d_model, Dim::one},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_up, Dim::d_model, Dim::two_d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::post_ffw_norm, Dim::d_model, Dim::one},
};

}  // namespace

extern const ArchSpec arch_glm4;
constexpr ArchSpec arch_glm4 = {"glm4", read, kSlots};

}  // namespace linnet::arch
