// SPDX-License-Identifier: MIT
// GPT-2: learned positions, LayerNorm, q, k, v in one tensor, a feed-forward without gate.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    spec.norm = NormKind::layer;
    read_decoder(h, spec);
    spec.n_positions = spec.n_ctx_train;
    RopeSpec none;
    none.kind = RopeKind::none;
    spec.ropes.push_back(none);
    for (LayerSpec& layer : spec.layers) layer.activation = Activation::gelu_tanh;
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output_norm_bias, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::position_embd, Dim::d_model, Dim::n_positions},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_norm_bias, Dim::d_model, Dim::one},
    {Role::attn_qkv, Dim::d_model, Dim::qkv},
    {Role::attn_qkv_bias, Dim::qkv, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::attn_output_bias, Dim::d_model, Dim::one},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_norm_bias, Dim::d_model, Dim::one},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::ffn_up_bias, Dim::d_ff, Dim::one},
    {Role::ffn_down_bias, Dim::d_model, Dim::one},
};

}  // namespace

extern const ArchSpec arch_gpt2;
constexpr ArchSpec arch_gpt2 = {"gpt2", read, kSlots};

}  // namespace linnet::arch
