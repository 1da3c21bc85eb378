// SPDX-License-Identifier: MIT
// gpt-oss: attention sinks, a window on every other layer from the first on, biases everywhere, a clamped activation.
// YaRN's ramp is not rounded to whole dimensions, which files do not say. Model card: arXiv 2508.10925.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    read_experts(h, spec, Routing::softmax_chosen);
    RopeSpec rope = read_rope(h, spec, RopeKind::neox);
    rope.yarn_rounded = false;
    spec.ropes.push_back(rope);
    const std::uint32_t window = h.count("attention.sliding_window", 1U << 28);
    for (std::size_t i = 0; i < spec.layers.size(); ++i) {
        spec.layers[i].window = i % 2 == 0 ? window : 0;
        spec.layers[i].activation = Activation::swiglu_clamped;
    }
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_q_bias, Dim::q, Dim::one},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_k_bias, Dim::kv, Dim::one},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_v_bias, Dim::kv, Dim::one},
    {Role::attn_sinks, Dim::n_heads, Dim::one},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::attn_output_bias, Dim::d_model, Dim::one},
    {Role::ffn_norm, Dim::d_model, Dim::one, Need::required, "post_attention_norm.weight"},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::ffn_gate_inp_bias, Dim::n_experts, Dim::one},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_gate_exps_bias, Dim::d_ff_expert, Dim::each_expert, Need::unless_fused},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps_bias, Dim::d_ff_expert, Dim::each_expert, Need::unless_fused},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
    {Role::ffn_down_exps_bias, Dim::d_model, Dim::each_expert},
};

}  // namespace

extern const ArchSpec arch_gpt_oss;
constexpr ArchSpec arch_gpt_oss = {"gpt-oss", read, kSlots};

}  // namespace linnet::arch
