// SPDX-License-Identifier: MIT
// Gemma 1 and CodeGemma: embeddings times sqrt(d_model), GELU, one KV head in the 2B models. Norm weights are stored
// with their 1 added. Report: arXiv 2403.08295.
#include "arch/hparams.hpp"
#include "base/math.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.embedding_scale = static_cast<float>(math::sqrt(spec.d_model));
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
    for (LayerSpec& layer : spec.layers) layer.activation = Activation::gelu_tanh;
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_gemma;
constexpr ArchSpec arch_gemma = {"gemma", read, kSlots};

}  // namespace linnet::arch
