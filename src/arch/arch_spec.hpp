// SPDX-License-Identifier: MIT
// The vocabulary in which architectures are written: what a transformer is made of, as plain data. One file per
// architecture in this folder fills a ModelSpec from a file's metadata; model/ loads and computes what it says.
// Every field is consumed at one place in model/; a field enters only together with an architecture that uses it.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"

namespace linnet::arch {

enum class Activation : std::uint8_t { silu, gelu_tanh };

// none: positions do not enter. interleaved: pairs (2i, 2i+1). neox: pairs (i, i + n_rot/2).
enum class RopeKind : std::uint8_t { none, interleaved, neox };

// How inverse frequencies are derived from theta^(-2i/n_rot).
enum class RopeScaling : std::uint8_t { none, linear, yarn, longrope };

struct RopeSpec {
    RopeKind kind = RopeKind::neox;
    RopeScaling scaling = RopeScaling::none;
    std::uint32_t n_rot = 0;  // dimensions that are rotated, the first of each head
    float theta = 10000.0F;
    float factor = 1.0F;           // linear, yarn: context extension
    std::uint32_t n_ctx_orig = 0;  // yarn, longrope: context of the original training
    float beta_fast = 32.0F;       // yarn
    float beta_slow = 1.0F;        // yarn
    float magnitude = 1.0F;        // multiplies cos and sin
    bool use_factors = false;      // divide frequencies by the tensor rope_freqs.weight when the file has it
    bool operator==(const RopeSpec&) const = default;
};

struct LayerSpec {
    std::uint32_t n_heads = 0;
    std::uint32_t n_kv_heads = 0;
    std::uint32_t head_dim = 0;
    std::uint32_t d_ff = 0;
    std::uint32_t window = 0;  // position i sees i - window + 1 .. i; 0: all
    std::uint32_t rope = 0;    // index into ModelSpec::ropes
    float attention_scale = 0.0F;
    Activation activation = Activation::silu;
};

struct ModelSpec {
    explicit ModelSpec(std::pmr::memory_resource& memory) : ropes(&memory), layers(&memory) {}

    std::string_view architecture;  // as the file names it
    std::uint32_t n_vocab = 0;
    std::uint32_t n_ctx_train = 0;
    std::uint32_t d_model = 0;
    float norm_eps = 0.0F;
    float embedding_scale = 1.0F;
    std::pmr::vector<RopeSpec> ropes;
    std::pmr::vector<LayerSpec> layers;
};

// What a tensor is for. `token_embd` .. `rope_factors_short` exist once, the rest once per layer.
enum class Role : std::uint8_t {
    token_embd,
    output_norm,
    output,
    output_bias,
    rope_freqs,
    rope_factors_long,
    rope_factors_short,
    attn_norm,
    attn_q,
    attn_k,
    attn_v,
    attn_qkv,
    attn_q_bias,
    attn_k_bias,
    attn_v_bias,
    attn_q_norm,
    attn_k_norm,
    attn_output,
    attn_output_bias,
    post_attention_norm,
    ffn_norm,
    ffn_gate,
    ffn_up,
    ffn_down,
    ffn_gate_bias,
    ffn_up_bias,
    ffn_down_bias,
    post_ffw_norm,
};
inline constexpr std::size_t kRoles = static_cast<std::size_t>(Role::post_ffw_norm) + 1;
inline constexpr std::size_t kModelRoles = static_cast<std::size_t>(Role::rope_factors_short) + 1;

// Extent of a tensor axis in terms of the spec.
enum class Dim : std::uint8_t {
    one,
    d_model,
    n_vocab,
    q,    // n_heads * head_dim
    kv,   // n_kv_heads * head_dim
    qkv,  // q + 2 kv
    head_dim,
    d_ff,
    two_d_ff,  // gate and up fused
    half_rot,  // n_rot / 2
};

enum class Need : std::uint8_t { required, optional };

struct TensorSlot {
    Role role;
    Dim n_in;   // the contiguous axis
    Dim n_out;  // Dim::one for vectors
    Need need = Need::required;
};

// One architecture.
struct ArchSpec {
    std::string_view name;  // general.architecture
    void (*read)(const gguf::File& file, ModelSpec& spec);
    std::span<const TensorSlot> slots;
};

// All architectures, sorted by name; generated from the files of this folder.
std::span<const ArchSpec* const> all() noexcept;
// Throws Error(unsupported) naming the architecture.
const ArchSpec& find(std::string_view name);

}  // namespace linnet::arch
