// SPDX-License-Identifier: MIT
// StableLM 3B, 2 1.6B and 2 12B: LayerNorm, partial rotation. The 12B model computes attention and feed-forward side by
// side from one norm, and norms each head of queries and keys with weights of its own.
#include <string>

#include "arch/hparams.hpp"
#include "base/error.hpp"

namespace linnet::arch {

namespace {

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    spec.norm = NormKind::layer;
    read_decoder(h, spec);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
    const std::string key = h.key("use_parallel_residual");
    const auto parallel = file.boolean(key);
    for (std::size_t i = 0; i < spec.layers.size(); ++i) {
        const std::string norm = format_text("blk.{}.ffn_norm.weight", i);
        LayerSpec& layer = spec.layers[i];
        layer.parallel = file.find_tensor(norm) == nullptr;
        layer.head_norm = HeadNorm::each_head;
        if (parallel && *parallel != layer.parallel) {
            throw Error(Status::bad_file, "key '{}' is {}, but tensor '{}' is {}", key, *parallel, norm,
                        layer.parallel ? "missing" : "there");
        }
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
    {Role::attn_q_bias, Dim::q, Dim::one, Need::optional},
    {Role::attn_k_bias, Dim::kv, Dim::one, Need::optional},
    {Role::attn_v_bias, Dim::kv, Dim::one, Need::optional},
    {Role::attn_q_norm, Dim::head_dim, Dim::n_heads, Need::optional},
    {Role::attn_k_norm, Dim::head_dim, Dim::n_kv_heads, Need::with_previous},
    {Role::attn_output, Dim::q, Dim::d_model},
    {Role::ffn_norm, Dim::d_model, Dim::one, Need::optional},
    {Role::ffn_norm_bias, Dim::d_model, Dim::one, Need::with_previous},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_stablelm;
constexpr ArchSpec arch_stablelm = {"stablelm", read, kSlots};

}  // namespace linnet::arch
