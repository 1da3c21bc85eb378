// SPDX-License-Identifier: MIT
// Phi-1, 1.5 and 2: attention and feed-forward side by side from one LayerNorm, partial rotation, biases everywhere,
// those of logits too. Older files have q, k, v in one tensor.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    spec.norm = NormKind::layer;
    read_decoder(h, spec);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
    for (LayerSpec& layer : spec.layers) {
        layer.activation = Activation::gelu_tanh;
        layer.parallel = true;
    }
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output_norm_bias, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab},
    {Role::output_bias, Dim::n_vocab, Dim::one},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_norm_bias, Dim::d_model, Dim::one},
    {Role::attn_qkv, Dim::d_model, Dim::qkv, Need::optional},
    {Role::attn_qkv_bias, Dim::qkv, Dim::one, Need::with_previous},
    {Role::attn_q, Dim::d_model, Dim::q, Need::unless_fused},
    {Role::attn_k, Dim::d_model, Dim::kv, Need::unless_fused},
    {Role::attn_v, Dim::d_model, Dim::kv, Need::unless_fused},
    {Role::attn_q_bias, Dim::q, Dim::one, Need::unless_fused},
    {Role::attn_k_bias, Dim::kv, Dim::one, Need::unless_fused},
    {Role::attn_v_bias, Dim::kv, Dim::one, Need::unless_fused},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::attn_output_bias, Dim::d_model, Dim::one},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::ffn_up_bias, Dim::d_ff, Dim::one},
    {Role::ffn_down_bias, Dim::d_model, Dim::one},
};

}  // namespace

extern const ArchSpec arch_phi2;
constexpr ArchSpec arch_phi2 = {"phi2", read, kSlots};

}  // namespace linnet::arch
