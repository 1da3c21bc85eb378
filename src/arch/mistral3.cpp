// SPDX-License-Identifier: MIT
// Ministral 3: llama with YaRN, whose temperature the file may take back, and queries that grow with the position
// (as in Llama 4).
#include <algorithm>

#include "arch/hparams.hpp"
#include "base/math.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    RopeSpec rope = read_rope(h, spec, RopeKind::interleaved);
    if (rope.scaling == RopeScaling::yarn && h.has("rope.scaling.yarn_log_multiplier")) {
        // The ratio of two temperatures: DeepSeek's mscale, which is 1, and mscale_all_dim.
        const double all_dim = h.positive("rope.scaling.yarn_log_multiplier");
        const double ln_factor = math::log(std::max(1.0, static_cast<double>(rope.factor)));
        rope.magnitude = static_cast<float>(rope.magnitude / (0.1 * all_dim * ln_factor + 1.0));
    }
    spec.ropes.push_back(rope);
    if (h.has("attention.temperature_scale")) {
        spec.temperature = {h.positive("attention.temperature_scale"), rope.n_ctx_orig};
    }
    const std::uint32_t window = h.count_or("attention.sliding_window", 0, 1U << 28);
    for (LayerSpec& layer : spec.layers) layer.window = window;
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

extern const ArchSpec arch_mistral3;
constexpr ArchSpec arch_mistral3 = {"mistral3", read, kSlots};

}  // namespace linnet::arch
