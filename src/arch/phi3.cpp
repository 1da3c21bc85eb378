// SPDX-License-Identifier: MIT
// Phi-3, Phi-3.5, Phi-4-mini: q, k, v in one tensor, gate and up in one; partial rotation; longrope, which the presence
// of the factor tensors tells. Report: arXiv 2404.14219; longrope: arXiv 2402.13753.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    spec.ropes.push_back(read_longrope(h, spec));
    const std::uint32_t window = h.count_or("attention.sliding_window", 0, 1U << 28);
    for (LayerSpec& layer : spec.layers) layer.window = window;
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::rope_factors_long, Dim::half_rot, Dim::one, Need::optional},
    {Role::rope_factors_short, Dim::half_rot, Dim::one, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_qkv, Dim::d_model, Dim::qkv},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_up, Dim::d_model, Dim::two_d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_phi3;
constexpr ArchSpec arch_phi3 = {"phi3", read, kSlots};

}  // namespace linnet::arch
