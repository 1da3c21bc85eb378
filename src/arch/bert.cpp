// SPDX-License-Identifier: MIT
// BERT and its kin (MiniLM, BGE, DistilBERT, RoBERTa): an encoder whose norms come after each residual sum, learned
// positions, token types, biases. Rankers have a classifier of the first token's state. Paper: arXiv 1810.04805.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    spec.norm = NormKind::layer;
    read_decoder(h, spec);
    read_classifier(h, spec);
    spec.n_positions = spec.n_ctx_train;
    spec.n_token_types = rows_of(file, "token_types.weight");
    RopeSpec none;
    none.kind = RopeKind::none;
    spec.ropes.push_back(none);
    for (LayerSpec& layer : spec.layers) layer.activation = Activation::gelu;
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::token_embd_norm, Dim::d_model, Dim::one},
    {Role::token_embd_norm_bias, Dim::d_model, Dim::one},
    {Role::position_embd, Dim::d_model, Dim::n_positions},
    {Role::token_types, Dim::d_model, Dim::n_token_types, Need::optional},
    {Role::cls, Dim::d_model, Dim::d_model, Need::optional},
    {Role::cls_bias, Dim::d_model, Dim::one, Need::optional},
    {Role::cls_output, Dim::d_model, Dim::n_classes, Need::optional},
    {Role::cls_output_bias, Dim::n_classes, Dim::one, Need::optional},
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
    {Role::attn_output_norm, Dim::d_model, Dim::one},
    {Role::attn_output_norm_bias, Dim::d_model, Dim::one},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_up_bias, Dim::d_ff, Dim::one},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::ffn_down_bias, Dim::d_model, Dim::one},
    {Role::layer_output_norm, Dim::d_model, Dim::one},
    {Role::layer_output_norm_bias, Dim::d_model, Dim::one},
};

}  // namespace

extern const ArchSpec arch_bert;
constexpr ArchSpec arch_bert = {"bert", read, kSlots};

}  // namespace linnet::arch
