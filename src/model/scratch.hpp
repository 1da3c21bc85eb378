// SPDX-License-Identifier: MIT
// Working memory of one sequence's passes: one block, laid out once when the session is created. Internal to model/.
#pragma once

#include <cstdint>

#include "arch/arch_spec.hpp"
#include "cache/kv_cache.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

// Sizes of everything that a session needs for passes; validated by Forward::resolve().
struct PassShape {
    std::uint32_t n_ctx = 0;
    std::uint32_t n_batch = 0;   // most tokens of a pass
    std::uint32_t n_logits = 1;  // most rows of logits of a pass
    KvType kv_type = KvType::f16;
    bool states = false;  // passes end with the final, normed states of tokens in place of logits
};

// Most rows that one feed-forward task computes of gate and up before it activates and packs them, and for how many
// tokens at a time: multiples of the quantisation block and of the panels of every kind.
inline constexpr std::uint32_t kFeedForwardRows = 128;
inline constexpr std::uint32_t kFeedForwardTokens = 300;
static_assert(kFeedForwardTokens % kernels::panel_tokens(kernels::Activations::f32) == 0 &&
              kFeedForwardTokens % kernels::panel_tokens(kernels::Activations::q8) == 0);
// Tiles of mapped weights that are packed at a time.
inline constexpr std::uint32_t kMappedTiles = 2;
// Most query columns (tokens x heads of one KV head) of an attention task.
inline constexpr std::uint32_t kAttentionColumns = 64;

// Attention results of `n` columns while spans are merged.
struct AttentionState {
    float* m;  // [n]
    float* l;  // [n][16]
    float* o;  // [n][head_dim], padded
};

// Activations packed for matmuls, one buffer for each kind that a weight format may ask for.
struct Panels {
    std::byte* of[2];  // indexed by kernels::Activations
};

// Which tokens go to which experts, and what the experts make of them. A row is a token at one of its experts; there
// are n_batch * n_used of them, by expert, then token.
struct ExpertScratch {
    float* scores;          // [n_batch][n_experts]
    float* shared_scores;   // [n_batch]
    std::uint32_t* chosen;  // [n_batch][n_used]
    float* weights;         // likewise
    std::uint32_t* first;   // [n_experts + 1]: an expert's rows are first[expert] .. first[expert + 1] - 1
    std::uint32_t* active;  // [n_experts]
    std::uint32_t* tokens;  // of rows
    float* row_weights;     // of rows
    std::byte* hidden;      // packed rows, d_ff floats apart, of the kind that an expert's down takes
};

// Memory of one worker, in use by one task at a time.
struct WorkerScratch {
    std::byte* tiles;     // kMappedTiles packed tiles of the widest matrix (mapped weights)
    std::byte* unpacked;  // kernels::kMatmulScratch
    float* gate;          // [kFeedForwardTokens][kFeedForwardRows]
    float* up;            // likewise
    Panels gathered;      // of [kFeedForwardTokens][d_model]: the input of one expert, or one latent head
    float* key;           // [head_dim], padded
    float* value;         // [head_dim], padded
    float* per_layer;     // [n_layers][d_per_layer]
    float* streams;       // [n_streams][d_model]
    std::int64_t* first;  // [kAttentionColumns]
    std::int64_t* last;
    float* scores;     // [kAttentionColumns][kKeyTile]
    std::byte* panel;  // kAttentionColumns packed queries
    AttentionState span;
    AttentionState total;
};

// Working memory of a sequence.
struct Scratch {
    Token* tokens;        // [n_batch]
    double* frequencies;  // per rope [n_rot / 2]
    float* cosines;       // per rope [n_batch][n_rot / 2]
    float* sines;
    float* x;           // [n_batch][d_model], the residual stream
    float* h;           // [n_batch][widest input of any matmul but down], normed inputs and attention outputs
    float* y;           // [n_batch][d_model], what a half layer adds to x
    float* z;           // [n_batch][d_model], of attention in parallel layers, of what is beside experts, or low-rank
    float* qkv;         // [n_batch][q (and gates) + 2 kv], or what recurrent layers project
    float* mixed;       // [n_batch][conv_width], q, k, v of a delta net or state space
    float* q;           // [n_kv_heads][n_batch][n_heads / n_kv_heads][head_dim], padded, scaled
    float* gate;        // [n_batch][d_ff], of layers with sparse gates
    float* streams;     // [n_batch][n_streams][d_model]
    float* modalities;  // [n_batch][n_streams]
    float* laurel;      // [n_batch][d_laurel]
    float* per_layer;   // [n_batch][n_layers][d_per_layer], what each layer has for itself of a token
    Panels input;       // of as much, or one row of head
    Panels hidden;      // of [n_batch][d_ff]
    float* head[2];     // [the widest of what follows the pooling], for states
    float* logits;      // [n_logits][n_vocab], unless states are asked for
    AttentionState spans;  // [n_heads][spans of n_ctx]: attention of one token, split over positions
    ExpertScratch experts;
    WorkerScratch* workers;
};

// The one description of the layout: with a null base it only counts. Returns the bytes taken from `base`.
std::uint64_t lay_out(const arch::ModelSpec& spec, const PassShape& shape, std::uint32_t n_threads, std::byte* base,
                      Scratch& s);

}  // namespace linnet
