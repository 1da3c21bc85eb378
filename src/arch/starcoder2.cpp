// SPDX-License-Identifier: MIT
// StarCoder 2: LayerNorm, biases everywhere, a feed-forward without gate. Report: arXiv 2402.19173.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    spec.norm = NormKind::layer;
    read_decoder(h, spec);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
    // Converters do not write the window of the smaller models; a file that has the key means it.
    const std::uint32_t window = h.count_or("attention.sliding_window", 0, 1U << 28);
    for (LayerSpec& layer : spec.layers) {
        layer.window = window;
        layer.activation = Activation::gelu_tanh;
    }
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output_norm_bias, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_norm_bias, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_q_bias, Dim::q, Dim::one},
    {Role::attn_k_bias, Dim::kv, Dim::one},
    {Role::attn_v_bias, Dim::kv, Dim::one},
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

extern const ArchSpec arch_starcoder2;
constexpr ArchSpec arch_starcoder2 = {"starcoder2", read, kSlots};

}  // namespace linnet::arch
