// SPDX-License-Identifier: MIT
// LFM2 with experts: lfm2, but for the layers with experts, which are weighed by sigmoids and chosen by biases added to
// these.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_short_convs(h, spec);
    read_experts(h, spec, Routing::sigmoid_chosen);
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one, Need::required, "token_embd_norm.weight"},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::conv_taps, Dim::n_taps, Dim::channels, Need::required, "shortconv.conv.weight"},
    {Role::shortconv_in, Dim::d_shortconv, Dim::three_d_shortconv},
    {Role::shortconv_out, Dim::d_shortconv, Dim::d_shortconv},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_q_norm, Dim::head_dim, Dim::one},
    {Role::attn_k_norm, Dim::head_dim, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::exp_probs_b, Dim::n_experts, Dim::one, Need::optional},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_lfm2moe;
constexpr ArchSpec arch_lfm2moe = {"lfm2moe", read, kSlots};

}  // namespace linnet::arch
