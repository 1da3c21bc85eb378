// SPDX-License-Identifier: MIT
// Qwen 1.5 and 2 with experts: the weights of the chosen ones are left as they are, and a shared one is added behind a
// sigmoid. Report: arXiv 2407.10671.
#include <algorithm>

#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    const std::uint32_t d_ff = spec.layers[0].d_ff;
    read_experts(h, spec, Routing::softmax_all);
    for (LayerSpec& layer : spec.layers) {
        // Early files give the width of the shared expert, which is that of the chosen ones together.
        if (!h.has("expert_feed_forward_length")) layer.experts.d_ff = std::max(1U, d_ff / layer.experts.n_used);
        if (layer.experts.d_ff_shared == 0) layer.experts.d_ff_shared = d_ff;
    }
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
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
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
    {Role::ffn_gate_inp_shexp, Dim::d_model, Dim::shared_gate},
    {Role::ffn_gate_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_up_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_down_shexp, Dim::d_ff_shared, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_qwen2moe;
constexpr ArchSpec arch_qwen2moe = {"qwen2moe", read, kSlots};

}  // namespace linnet::arch
