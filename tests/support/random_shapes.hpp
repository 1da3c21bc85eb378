// SPDX-License-Identifier: MIT
// Small shapes of architectures for random models, to which a test adds what it is about.
#pragma once

#include "tests/support/random_model.hpp"

namespace gguf_test {

// What all of them have: 4 layers of 4 heads.
inline RandomModel decoder(const std::string& architecture) {
    RandomModel model(architecture);
    model.u32("block_count", 4).u32("context_length", 512).u32("embedding_length", 64).u32("feed_forward_length", 96);
    model.u32("attention.head_count", 4).f32("attention.layer_norm_rms_epsilon", 1e-5F).f32("rope.freq_base", 1e4F);
    return model;
}

inline void add_experts(RandomModel& model, std::uint32_t n, std::uint32_t n_used) {
    model.u32("expert_count", n).u32("expert_used_count", n_used).u32("expert_feed_forward_length", 32);
}

// Attention over latents of 24 dimensions, 8 of 20 in a query rotated; the first layer is dense.
inline RandomModel latent(std::uint32_t query_rank) {
    RandomModel model = decoder("deepseek2");
    model.u32("attention.head_count_kv", 1).u32("attention.key_length", 32).u32("attention.value_length", 24);
    model.u32("attention.kv_lora_rank", 24).u32("attention.key_length_mla", 20).u32("attention.value_length_mla", 12);
    model.u32("rope.dimension_count", 8).u32("leading_dense_block_count", 1).u32("expert_shared_count", 1);
    if (query_rank != 0) model.u32("attention.q_lora_rank", query_rank);
    return model;
}

inline RandomModel delta_nets(const std::string& architecture) {
    RandomModel model = decoder(architecture);
    model.u32("attention.head_count_kv", 2).u32("attention.key_length", 32).u32("attention.value_length", 32);
    model.u32("rope.dimension_count", 8).u32("full_attention_interval", 4);
    model.u32("ssm.group_count", 2).u32("ssm.time_step_rank", 4).u32("ssm.state_size", 16).u32("ssm.inner_size", 64);
    model.u32("ssm.conv_kernel", 4);
    return model;
}

// One layer of attention in four.
inline RandomModel short_convs() {
    RandomModel model = decoder("lfm2moe");
    add_experts(model, 8, 2);
    model.i32s("attention.head_count_kv", {0, 0, 2, 0}).u32("shortconv.l_cache", 3);
    model.u32("leading_dense_block_count", 2).u32("expert_gating_func", 2).with("exp_probs_b.bias");
    return model;
}

inline RandomModel state_spaces() {
    RandomModel model = decoder("granitehybrid");
    model.i32s("attention.head_count_kv", {0, 2, 0, 0}).flag("rope.scaling.finetuned", false);
    model.u32("ssm.group_count", 2).u32("ssm.time_step_rank", 8).u32("ssm.state_size", 16);
    model.u32("ssm.inner_size", 128).u32("ssm.conv_kernel", 4);
    model.f32("attention.scale", 0.2F).f32("embedding_scale", 1.5F).f32("residual_scale", 0.7F);
    model.f32("logit_scale", 1.2F);
    return model;
}

}  // namespace gguf_test
