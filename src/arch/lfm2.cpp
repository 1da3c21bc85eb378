// SPDX-License-Identifier: MIT
// LFM2 of Liquid AI, dense: gated short convolutions (layers without KV heads) between layers of grouped-query
// attention with q/k norms. As the models' own code describes them.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_short_convs(h, spec);
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
};

}  // namespace

extern const ArchSpec arch_lfm2;
constexpr ArchSpec arch_lfm2 = {"lfm2", read, kSlots};

}  // namespace linnet::arch
