// SPDX-License-Identifier: MIT
// The vocabulary in which architectures are written: what a transformer is made of, as plain data. One file per
// architecture in this folder fills a ModelSpec from a file's metadata; model/ loads and computes what it says.
// Every field is consumed at one place in model/; a field enters only together with an architecture that uses it.
#pragma once

#include <cstdint>
#include <limits>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"

namespace linnet::arch {

inline constexpr std::uint32_t kMaxHeadDim = 1024;

// swiglu_clamped: both factors limited, the gate's sigmoid steeper, 1 added to the other (kernels/api/table.hpp).
enum class Activation : std::uint8_t { silu, gelu_tanh, gelu, swiglu_clamped };

// rms: x / rms(x) * weight. layer: (x - mean) / deviation * weight + bias, the bias where the file has one.
enum class NormKind : std::uint8_t { rms, layer };

// What is normed at a time of queries and keys, where the file has such norms. head: each with the same weights
// [head_dim]; each_head: each with weights of its own; row: all heads as one.
enum class HeadNorm : std::uint8_t { head, each_head, row };

// How the final states of a text become one vector; numbered as files do. rank: a classifier of the first state, or of
// the last one where attention is causal.
enum class Pooling : std::uint8_t { none, mean, cls, last, rank };
inline constexpr std::uint32_t kPoolings = 5;

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
    bool yarn_rounded = true;      // the ramp's ends are whole dimensions
    bool use_factors = false;      // divide frequencies by the tensor rope_freqs.weight when the file has it
    bool operator==(const RopeSpec&) const = default;
};

inline constexpr std::uint32_t kOwn = ~0U;
inline constexpr float kDense = -std::numeric_limits<float>::infinity();

// What a layer mixes tokens by. short_conv: a gated convolution (LFM2). delta_net: a gated delta net with a convolution
// before it (Qwen 3.5, Qwen3-Next). state_space: Mamba 2, with one as well (Granite 4).
enum class Mixer : std::uint8_t { attention, short_conv, delta_net, state_space };

// Of a state space: keys are what is called B, queries C, one for each group of heads.
struct DeltaSpec {
    std::uint32_t n_key_heads = 0;
    std::uint32_t n_value_heads = 0;  // a multiple of n_key_heads
    std::uint32_t d_key = 0;
    std::uint32_t d_value = 0;
    // Heads of values of one head of keys follow each other, and gates come in one tensor by head of keys; else value
    // head i goes with key head i % n_key_heads.
    bool grouped = false;
};

// How the weights of the chosen experts, those with the highest scores, follow from a router's scores. softmax_all: a
// softmax over all experts. softmax_chosen: over the chosen ones, which is the former divided by its sum. sigmoid_all:
// the sigmoid of each. sigmoid_chosen: divided by the sum of those chosen. sparse_mixer: each over those that were not
// chosen before it and whose scores are close to its own.
enum class Routing : std::uint8_t { softmax_all, softmax_chosen, sigmoid_all, sigmoid_chosen, sparse_mixer };
inline constexpr std::uint32_t kMaxExpertGroups = 64;

// A feed-forward layer of which each token uses a few of many; a dense one may stand beside it.
struct ExpertSpec {
    std::uint32_t n_experts = 0;  // 0: none
    std::uint32_t n_used = 0;     // by a token
    std::uint32_t d_ff = 0;
    std::uint32_t d_ff_shared = 0;  // of one more that all tokens use; 0: none
    Routing routing = Routing::softmax_chosen;
    float scale = 1.0F;  // of the weights
    // Experts in runs of n_experts / n_groups; a token's are of the n_groups_used best runs: those with the highest sum
    // of two sigmoids (and biases), or the highest softmax.
    std::uint32_t n_groups = 1;
    std::uint32_t n_groups_used = 1;
};

// Attention over a latent of which keys and values of all heads are made by a matrix each (MLA, arXiv 2405.04434). The
// matrices are applied to queries and results instead, which gives the same, so that the cache holds one head: as keys
// the latent and a rotated part, head_dim = rank + n_rot, as values the latent.
struct LatentSpec {
    std::uint32_t rank = 0;        // of the latent; 0: ordinary attention
    std::uint32_t query = 0;       // dimensions of a head of queries, the last n_rot of which are rotated
    std::uint32_t value = 0;       // dimensions of a head of values
    std::uint32_t query_rank = 0;  // of a latent of queries; 0: they are projected at once
};

struct LayerSpec {
    Mixer mixer = Mixer::attention;
    std::uint32_t n_taps = 0;  // of the convolution of a recurrent layer
    DeltaSpec delta;
    std::uint32_t n_heads = 0;  // this and what follows to attention_cap: of attention, 0 in recurrent layers
    std::uint32_t n_kv_heads = 0;
    std::uint32_t head_dim = 0;
    LatentSpec latent;
    std::uint32_t d_ff = 0;  // 0: experts only
    ExpertSpec experts;
    std::uint32_t window = 0;       // position i sees i - window + 1 .. i, or i - window / 2 .. i + window / 2; 0: all
    std::uint32_t rope = 0;         // index into ModelSpec::ropes
    std::uint32_t kv_layer = kOwn;  // the earlier layer whose keys and values are attended to; kOwn: its own
    bool value_norm = false;        // each head of values is normed, without weights
    bool gated = false;             // each head of queries comes with a gate, by whose sigmoid its result is multiplied
    float attention_scale = 0.0F;
    float attention_cap = 0.0F;  // scores become cap * tanh(score / cap); 0: they stay
    HeadNorm head_norm = HeadNorm::head;
    Activation activation = Activation::silu;
    float sparsity = kDense;  // the gate's values count from so many deviations above their mean; kDense: all do
    bool parallel = false;    // attention and feed-forward of the same x, which both are then added to
};

// Queries at position p are multiplied by 1 + beta ln(1 + floor(p / n_ctx_orig)).
struct TemperatureSpec {
    float beta = 0.0F;
    std::uint32_t n_ctx_orig = 1;
};

struct ModelSpec {
    explicit ModelSpec(std::pmr::memory_resource& memory) : ropes(&memory), layers(&memory) {}

    std::string_view architecture;  // as the file names it
    std::uint32_t n_vocab = 0;
    std::uint32_t n_ctx_train = 0;
    std::uint32_t d_model = 0;
    std::uint32_t n_positions = 0;    // rows of the learned position embedding, which bounds the context; 0: none
    std::uint32_t n_token_types = 0;  // rows of the embedding of token types, of which the first counts; 0: none
    bool bidirectional = false;       // positions see those after them as well: a text is computed in one pass
    Pooling pooling = Pooling::none;
    std::uint32_t d_dense = 0;    // width between the two dense layers of a pooled vector; 0: none
    std::uint32_t n_classes = 0;  // scores of the classifier; 0: none
    bool softmax_classes = false;
    std::uint32_t d_per_layer = 0;        // width of the embeddings that each layer has for itself; 0: none
    std::uint32_t n_streams = 1;          // of alternating updates (AltUp)
    std::uint32_t active_stream = 0;      // the one that layers compute
    std::uint32_t d_laurel = 0;           // rank of the low-rank residual beside attention; 0: none
    std::uint32_t n_vocab_per_layer = 0;  // tokens that have them, the first; others take those of token 0
    NormKind norm = NormKind::rms;
    float norm_eps = 0.0F;
    float embedding_scale = 1.0F;
    float residual_scale = 1.0F;  // of what a half layer adds
    float logit_scale = 1.0F;
    float logit_cap = 0.0F;  // logits become cap * tanh(logit / cap), after the scale; 0: they stay
    TemperatureSpec temperature;
    std::pmr::vector<RopeSpec> ropes;
    std::pmr::vector<LayerSpec> layers;
    std::uint32_t n_draft_layers = 0;  // that files have behind these, which guess tokens ahead: they are not used
};

// What a tensor is for. `token_embd` .. `rope_factors_short` exist once, the rest once per layer.
enum class Role : std::uint8_t {
    token_embd,
    token_embd_norm,
    token_embd_norm_bias,
    position_embd,
    token_types,
    per_layer_token_embd,
    per_layer_model_proj,
    per_layer_proj_norm,
    altup_proj,
    output_norm,
    output_norm_bias,
    output,
    output_bias,
    dense_2,
    dense_3,
    cls,
    cls_bias,
    cls_output,
    cls_output_bias,
    rope_freqs,
    rope_factors_long,
    rope_factors_short,
    attn_norm,
    attn_norm_bias,
    attn_q,
    attn_k,
    attn_v,
    attn_qkv,
    attn_qkv_bias,
    attn_q_bias,
    attn_k_bias,
    attn_v_bias,
    attn_q_norm,
    attn_k_norm,
    attn_sinks,  // for each head a score that counts in the softmax and has no value
    attn_output,
    attn_output_bias,
    post_attention_norm,
    attn_output_norm,
    attn_output_norm_bias,
    ffn_norm,
    ffn_norm_bias,
    ffn_gate,
    ffn_up,
    ffn_down,
    ffn_gate_bias,
    ffn_up_bias,
    ffn_down_bias,
    post_ffw_norm,
    layer_output_norm,
    layer_output_norm_bias,
    per_layer_gate,
    per_layer_proj,
    per_layer_post_norm,
    layer_output_scale,
    altup_unembd_proj,  // one tensor, in which each stream but the first has a matrix: found under "layer" stream - 1
    altup_router,
    altup_router_norm,
    altup_predict_coef,
    altup_correct_coef,
    altup_correct_scale,
    laurel_l,
    laurel_r,
    laurel_post_norm,
    conv_taps,
    conv_bias,
    shortconv_in,
    shortconv_out,
    delta_qkv,
    delta_gate,
    ssm_in,
    ssm_d,
    ssm_a,
    ssm_dt_bias,
    ssm_alpha,
    ssm_beta,
    ssm_ba,
    ssm_norm,
    ssm_out,
    ffn_gate_inp,  // the router
    ffn_gate_inp_bias,
    exp_probs_b,          // for each expert, added to its weight where experts are chosen, and there only
    ffn_gate_inp_scale,   // of the router's normed input
    ffn_down_exps_scale,  // for each expert, of its weight
    pre_ffw_norm_2,       // of the experts' input, beside a dense feed-forward with ffn_norm
    post_ffw_norm_1,      // of what the dense one gives
    post_ffw_norm_2,      // of what the experts give
    ffn_gate_inp_shexp,
    ffn_gate_shexp,
    ffn_up_shexp,
    ffn_down_shexp,
    ffn_gate_exps_bias,
    ffn_up_exps_bias,
    ffn_down_exps_bias,
    attn_q_a,
    attn_q_a_norm,
    attn_q_b,
    attn_kv_a_mqa,
    attn_kv_a_norm,
    attn_kv_b,              // attn_k_b, transposed, and attn_v_b, head by head
    ffn_gate_up_exps,       // of each expert both: what files may have instead of the two, of any architecture
    ffn_gate_up_exps_bias,  // likewise
    ffn_gate_exps,
    ffn_up_exps,
    ffn_down_exps,
    attn_k_b,
    attn_v_b,
};
inline constexpr std::size_t kRoles = static_cast<std::size_t>(Role::attn_v_b) + 1;
inline constexpr std::size_t kModelRoles = static_cast<std::size_t>(Role::rope_factors_short) + 1;
// From here on a tensor holds several matrices: one for each expert, or head.
inline constexpr std::size_t kFirstStackedRole = static_cast<std::size_t>(Role::ffn_gate_exps);
constexpr bool is_stacked(Role role) noexcept { return static_cast<std::size_t>(role) >= kFirstStackedRole; }
constexpr bool is_by_head(Role role) noexcept { return role == Role::attn_k_b || role == Role::attn_v_b; }

// Extent of a tensor axis in terms of the spec. A layer (or model) for which an axis comes to 0 has no such tensor.
enum class Dim : std::uint8_t {
    one,
    d_model,
    n_vocab,
    q,           // n_heads * head_dim
    q_and_gate,  // twice that
    kv,          // n_kv_heads * head_dim
    qkv,         // q + 2 kv
    head_dim,
    n_heads,     // as n_out: a vector for each head
    n_kv_heads,  // likewise
    n_positions,
    n_token_types,
    d_dense,
    n_classes,
    d_ff,
    two_d_ff,  // gate and up fused
    half_rot,  // n_rot / 2 of the first rope
    n_vocab_per_layer,
    d_per_layer,
    all_per_layer,  // n_layers * d_per_layer
    n_streams,
    streams,        // n_streams; as n_out: a vector for each
    stream_pairs,   // their square, likewise
    other_streams,  // d_model for each but the first, in files an axis of its own
    d_laurel,
    d_shortconv,  // d_model, of layers that are short convolutions
    three_d_shortconv,
    n_taps,
    channels,     // those of the convolution; as n_out: a vector for each
    conv_width,   // likewise, rows of a matrix
    value_heads,  // of a delta net
    two_value_heads,
    d_value,
    value_width,      // value_heads * d_value
    ssm_in,           // all that a state space projects: gates, channels, time steps
    each_value_head,  // as n_out: a vector for each
    each_key_head,    // likewise
    key_group_width,  // value_width / key heads
    n_experts,
    each_expert,  // as n_out: a vector for each expert
    d_ff_expert,
    two_d_ff_expert,
    d_ff_shared,
    shared_gate,  // as n_out, in layers with experts: one row, of a matrix all the same
    latent_rank,
    latent_query_rank,
    latent_queries,  // n_heads * query
    latent_q,        // the same where queries are projected at once
    latent_plain,    // query - n_rot
    latent_value,    // value
    latent_values,   // n_heads * value
    latent_kv,       // n_heads * (query - n_rot + value)
};

// with_previous: present exactly where the slot before is. unless_fused: required where the file lacks the fused tensor
// of which this one is a part, else absent.
enum class Need : std::uint8_t { required, optional, with_previous, unless_fused };

struct TensorSlot {
    Role role;
    Dim n_in;   // the contiguous axis
    Dim n_out;  // Dim::one, n_heads, n_kv_heads, each_*, streams, stream_pairs, channels: vectors
    Need need = Need::required;
    std::string_view name = {};  // in files, after "blk.<layer>." if each layer has one, where it is not the role's own
};

// Channels of a layer's convolution; 0: it has none.
inline std::uint32_t conv_width(const ModelSpec& spec, const LayerSpec& layer) noexcept {
    if (layer.mixer == Mixer::short_conv) return spec.d_model;
    return 2 * layer.delta.n_key_heads * layer.delta.d_key + layer.delta.n_value_heads * layer.delta.d_value;
}

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
