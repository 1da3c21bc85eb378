// SPDX-License-Identifier: MIT
// DeepSeek V2 and V3, Moonlight, GLM-4.7-Flash: attention over latents, of queries too where the file has them; dense
// layers first, then experts with shared ones beside them, chosen among the best groups where there are some, and by
// biases of their own. Reports: arXiv 2405.04434, 2412.19437.
#include <algorithm>

#include "arch/hparams.hpp"
#include "base/error.hpp"
#include "base/math.hpp"

namespace linnet::arch {

namespace {

// DeepSeek scales attention where YaRN scales cos and sin.
void read_yarn(const HParams& h, RopeSpec& rope, float& attention_scale) {
    if (rope.scaling != RopeScaling::yarn) return;
    rope.magnitude = 1.0F;
    const char* key = "rope.scaling.yarn_log_multiplier";
    const double multiplier = h.has(key) ? h.positive(key) : 0.0;
    const double m = multiplier * math::log(std::max(1.0, static_cast<double>(rope.factor))) + 1.0;
    attention_scale = static_cast<float>(attention_scale * m * m);
}

void read(const gguf::File& file, ModelSpec& spec) {
    const HParams h(file);
    read_decoder(h, spec);
    if (has_experts(h)) read_experts(h, spec, read_routing(h));
    const std::uint32_t n_shared = h.count_or("expert_shared_count", 0, 64);

    RopeSpec rope = read_rope(h, spec, RopeKind::interleaved);
    // Early converters wrote the lengths of heads under the names of what is cached.
    const bool early = !h.has("attention.key_length_mla");
    const char* query_key = early ? "attention.key_length" : "attention.key_length_mla";
    LatentSpec latent;
    latent.rank = h.count("attention.kv_lora_rank", kMaxHeadDim);
    latent.query = h.count(query_key, kMaxHeadDim);
    latent.query_rank = h.count_or("attention.q_lora_rank", 0, 1U << 20);
    latent.value = h.count(early ? "attention.value_length" : "attention.value_length_mla", kMaxHeadDim);
    const std::uint32_t head_dim = latent.rank + rope.n_rot;
    if (head_dim > kMaxHeadDim) {
        throw Error(Status::unsupported,
                    "keys '{}' and '{}' make keys of {} dimensions, of which at most {} are supported",
                    h.key("attention.kv_lora_rank"), h.key("rope.dimension_count"), head_dim, kMaxHeadDim);
    }
    if (latent.query <= rope.n_rot) {
        throw Error(Status::bad_file, "key '{}' ({}) is not above '{}' ({})", h.key(query_key), latent.query,
                    h.key("rope.dimension_count"), rope.n_rot);
    }
    auto attention_scale = static_cast<float>(1.0 / math::sqrt(latent.query));
    read_yarn(h, rope, attention_scale);
    spec.ropes.push_back(rope);
    for (LayerSpec& layer : spec.layers) {
        layer.latent = latent;
        layer.attention_scale = attention_scale;
        if (early) {
            layer.n_kv_heads = 1;
            layer.head_dim = head_dim;
        }
        if (layer.n_kv_heads != 1 || layer.head_dim != head_dim) {
            throw Error(Status::bad_file, "keys '{}' ({}) and '{}' ({}) are not those of one head of '{}' + '{}' ({})",
                        h.key("attention.head_count_kv"), layer.n_kv_heads, h.key("attention.key_length"),
                        layer.head_dim, h.key("attention.kv_lora_rank"), h.key("rope.dimension_count"), head_dim);
        }
        layer.experts.d_ff_shared = n_shared * layer.experts.d_ff;
    }
}

constexpr TensorSlot kSlots[] = {
    {Role::token_embd, Dim::d_model, Dim::n_vocab},
    {Role::output_norm, Dim::d_model, Dim::one},
    {Role::output, Dim::d_model, Dim::n_vocab, Need::optional},
    {Role::attn_norm, Dim::d_model, Dim::one},
    {Role::attn_q, Dim::d_model, Dim::latent_q},
    {Role::attn_q_a, Dim::d_model, Dim::latent_query_rank},
    {Role::attn_q_a_norm, Dim::latent_query_rank, Dim::one},
    {Role::attn_q_b, Dim::latent_query_rank, Dim::latent_queries},
    {Role::attn_kv_a_mqa, Dim::d_model, Dim::kv},
    {Role::attn_kv_a_norm, Dim::latent_rank, Dim::one},
    {Role::attn_kv_b, Dim::latent_rank, Dim::latent_kv, Need::optional},
    {Role::attn_k_b, Dim::latent_plain, Dim::latent_rank, Need::unless_fused},
    {Role::attn_v_b, Dim::latent_rank, Dim::latent_value, Need::unless_fused},
    {Role::attn_output, Dim::latent_values, Dim::d_model},
    {Role::ffn_norm, Dim::d_model, Dim::one},
    {Role::ffn_gate, Dim::d_model, Dim::d_ff},
    {Role::ffn_up, Dim::d_model, Dim::d_ff},
    {Role::ffn_down, Dim::d_ff, Dim::d_model},
    {Role::ffn_gate_inp, Dim::d_model, Dim::n_experts},
    {Role::exp_probs_b, Dim::n_experts, Dim::one, Need::optional},
    {Role::ffn_gate_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_up_exps, Dim::d_model, Dim::d_ff_expert},
    {Role::ffn_down_exps, Dim::d_ff_expert, Dim::d_model},
    {Role::ffn_gate_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_up_shexp, Dim::d_model, Dim::d_ff_shared},
    {Role::ffn_down_shexp, Dim::d_ff_shared, Dim::d_model},
};

}  // namespace

extern const ArchSpec arch_deepseek2;
constexpr ArchSpec arch_deepseek2 = {"deepseek2", read, kSlots};

}  // namespace linnet::arch
