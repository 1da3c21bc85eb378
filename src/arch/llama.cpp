// SPDX-License-Identifier: MIT
// Llama 1 to 3.2 and all that converters write under its name: Mistral, TinyLlama, SmolLM 1/2, DeepSeek-R1 distills,
// Yi; with experts, Mixtral (arXiv 2401.04088). Queries and keys are stored permuted for interleaved rotation. Paper:
// arXiv 2302.13971.
#include "arch/hparams.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    if (has_experts(h)) read_experts(h, spec, Routing::softmax_chosen);
    RopeSpec rope = read_rope(h, spec, RopeKind::interleaved);
    rope.use_factors = true;  // Llama 3.1's scaling comes as rope_freqs.weight
    spec.ropes.push_back(rope);
    // Converters do not write Mistral 0.1's window; a file that has the key means it.
    const std::uint32_t window = h.count_or("attention.sliding_window", 0, 1U << 28);
    for (LayerSpec& layer : spec.layers) layer.window = window;
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::rope_freqs, Dim::half_rot, Dim::one, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::q},
    {Role::attn_k, Dim::d_model, Dim::kv},
    {Role::attn_v, Dim::d_model, Dim::kv},
    {Role::attn_q_bias, Dim::q, Dim::one, Need::optional},
    {Role::attn_k_bias, Dim::kv, Dim::one, Need::optional},
    {Role::attn_v_bias, Dim::kv, Dim::one, Need::optional},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::attn_output_bias, Dim::d_model, Dim::one, Need::optional},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::ffn_gate_bias, Dim::d_ff, Dim::one, Need::optional},
    {Role::ffn_up_bias, Dim::d_ff, Dim::one, Need::optional},
    {Role::ffn_down_bias, Dim::d_model, Dim::one, Need::optional},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_llama;
constexpr ArchSpec arch_llama = {"llama", read, kSlots};

}  // namespace linnet::arch
