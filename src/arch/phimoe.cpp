// SPDX-License-Identifier: MIT
// Phi-3.5-MoE: LayerNorm, two experts chosen by SparseMixer, longrope. Report: arXiv 2404.14219; the mixer: arXiv
// 2409.12136.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.norm = NormKind::layer;  // although its epsilon has the other key
    read_experts(h, spec, Routing::sparse_mixer);
    spec.ropes.push_back(read_longrope(h, spec));
    const std::uint32_t window = h.count_or("attention.sliding_window", 0, 1U << 28);
    for (LayerSpec& layer : spec.layers) layer.window = window;
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output_norm_bias, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::output_bias, Dim::n_vocab, Dim::one, Need::optional},
    {Role::rope_factors_long, Dim::half_rot, Dim::one, Need::optional},
    {Role::rope_factors_short, Dim::half_rot, Dim::one, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_norm_bias, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_q_bias, Dim::q, Dim::one, Need::optional},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_k_bias, Dim::kv, Dim::one, Need::optional},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_v_bias, Dim::kv, Dim::one, Need::optional},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::attn_output_bias, Dim::d_model, Dim::one, Need::optional},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_norm_bias, Dim::d_model, Dim::one},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_phimoe;
constexpr ArchSpec arch_phimoe = {"phimoe", read, kSlots};

}  // namespace linnet::arch
