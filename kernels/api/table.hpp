// SPDX-License-Identifier: MIT
// Everything that the runtime may ask of the kernels: tensor formats, packed layouts, and one table of functions per
// instruction set. All of a table's functions give the same bits as the scalar table's. Contract: kernels/README.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace linnet::kernels {

inline constexpr std::size_t kTileRows = 16;    // rows of a weight tile; lanes of a vector
inline constexpr std::size_t kQuantBlock = 32;  // values that share one activation scale
inline constexpr std::size_t kKeyTile = 64;     // keys per step of the online softmax, aligned to absolute positions
inline constexpr std::size_t kKeySpan = 512;    // keys per partial result of attention, aligned to absolute positions

// Tensor formats with kernels; generated from the files of kernels/formats.
enum class Format : std::uint8_t {
#define LINNET_FORMAT(id) id,
#include "linnet_format_list.hpp"
#undef LINNET_FORMAT
};
inline constexpr std::size_t kFormats = 0
#define LINNET_FORMAT(id) +1
#include "linnet_format_list.hpp"
#undef LINNET_FORMAT
    ;

// What the activations of a matmul look like.
enum class Activations : std::uint8_t {
    f32,  // panel [n_in][P] of floats: for float weights
    q8,   // panel of 8-bit blocks: for quantised weights
};

// Most tokens of an activation panel: the columns of the widest micro-kernel.
inline constexpr std::size_t panel_tokens(Activations kind) noexcept { return kind == Activations::f32 ? 12 : 5; }

struct FormatInfo {
    Format format;
    const char* name;          // GGUF's spelling in lower case: "q4_k"
    std::uint32_t gguf_type;   // id in files
    std::uint32_t block_size;  // weights per block
    std::uint32_t block_bytes;
    Activations activations;
};

// Indexed by Format.
const FormatInfo& info(Format format) noexcept;
// Null when there is no kernel for the file's type.
const FormatInfo* find_format(std::uint32_t gguf_type) noexcept;

// A row of n_in weights in the file; n_in is a multiple of the block size.
inline std::size_t row_bytes(const FormatInfo& f, std::size_t n_in) noexcept {
    return n_in / f.block_size * f.block_bytes;
}
// A tile: 16 rows interleaved (R16). Exactly the bytes of its rows.
inline std::size_t tile_bytes(const FormatInfo& f, std::size_t n_in) noexcept { return kTileRows * row_bytes(f, n_in); }

// Activations of n_tokens tokens: panels of panel_tokens() tokens, the last one of the rest. A panel of P tokens is,
// for f32, float[n_in][P]; for q8, per block of 32 along k:
//     float d[P]; float ds[P]; int32 ns[P], ns_lo[P], ns_hi[P]; int8 q[P][32];
// with x ~ d * q, ds = d * sum(q), ns = -sum(q), ns_lo / ns_hi the same of the first / second 16 values.
inline constexpr std::size_t kQuantBlockBytes = 5 * 4 + kQuantBlock;
inline std::size_t activation_bytes(Activations kind, std::size_t n_in, std::size_t n_tokens) noexcept {
    return kind == Activations::f32 ? n_in * n_tokens * 4 : n_in / kQuantBlock * n_tokens * kQuantBlockBytes;
}

// Working memory that a matmul of many tokens unpacks weights into, aligned to a cache line. It stays in a core's
// first-level cache.
inline constexpr std::size_t kMatmulScratch = 56 * 1024;

// y[t, r] = sum_k x[t, k] * W[r, k] for the rows of n_tiles packed tiles.
struct MatmulArgs {
    const std::byte* weights;  // n_tiles tiles, tile_bytes() apart
    std::size_t n_tiles;
    std::size_t n_rows;  // rows that exist: in ((n_tiles - 1) * 16, n_tiles * 16]
    std::size_t n_in;
    const std::byte* x;  // panels
    std::size_t n_tokens;
    float* y;  // y[t * y_stride + r]
    std::size_t y_stride;
    std::byte* scratch;  // kMatmulScratch bytes
};

// Packs n_rows (1..16) rows into one tile; missing rows become copies of the last one (their results are not stored).
struct PackArgs {
    const std::byte* rows;  // row_bytes() apart
    std::size_t n_rows;
    std::size_t n_in;
    std::byte* tile;
};

// Elements of the KV cache.
enum class KvFormat : std::uint8_t { f16, f32, q8 };
inline constexpr std::size_t kKvFormats = 3;

// One KV head's keys and values, a ring over positions: position p is in slot p % ring.
// f16, f32:
//     keys:   [ring / 16][head_dim][16]   tiles of 16 keys, transposed: lanes are keys
//     values: [ring][head_dim]
// q8:
//     keys:   [ring / 16] tiles of 16 keys as rows of Q8_0 (one scale per 32 dimensions)
//     values: [ring / 32] blocks of 32 positions, one scale per position: int8 [head_dim / 16][8][16][4], positions in
//             groups of 4, lanes are dimensions; then f16 d[32]
struct KvHead {
    std::byte* keys;
    std::byte* values;
    std::size_t ring;      // multiple of kKeyTile
    std::size_t head_dim;  // multiple of 32
};

// Bytes of the keys or values of n_positions (a multiple of kKeyTile) of one head.
inline std::size_t key_bytes(KvFormat format, std::size_t head_dim, std::size_t n_positions) noexcept {
    if (format == KvFormat::q8) return n_positions * head_dim / 32 * 34;
    return n_positions * head_dim * (format == KvFormat::f16 ? 2 : 4);
}
inline std::size_t value_bytes(KvFormat format, std::size_t head_dim, std::size_t n_positions) noexcept {
    if (format == KvFormat::q8) return n_positions * (head_dim + 2);
    return n_positions * head_dim * (format == KvFormat::f16 ? 2 : 4);
}

// Attention of n_columns queries (tokens x heads that share this KV head) over the keys of one span.
// Column c sees positions first[c] .. last[c]. Walks the tiles of [begin, end), both multiples of kKeyTile, inside one
// span of kKeySpan. Writes the partial result of the span: running maximum m, sums l (16 striped), and values o.
struct AttentionArgs {
    KvHead kv;
    const float* q;  // [n_columns][head_dim], scaled
    std::size_t n_columns;
    const std::int64_t* first;
    const std::int64_t* last;
    std::int64_t begin;
    std::int64_t end;
    float* m;          // [n_columns]
    float* l;          // [n_columns][16]
    float* o;          // [n_columns][head_dim]
    float* scores;     // scratch [n_columns][kKeyTile]
    std::byte* panel;  // scratch, q8: the queries' packed activations
    float cap = 0.0F;  // scores become cap * tanh(score / cap); 0: they stay
};

// One token of one head of a gated delta net (arXiv 2412.06464): a memory S[d_key][d_value] forgets, is corrected at k
// towards v, and read at q:
//     S *= decay;  S[i] += k[i] * beta * (v - sum_i S[i] k[i]);  y = sum_i S[i] q[i]
// Of a state space (Mamba 2, arXiv 2405.21060) the same without the sum that is taken from v, corrects = false.
// Lanes are dimensions of values; sums are chains of fma over ascending i.
struct DeltaRuleArgs {
    float* state;
    std::size_t d_key;
    std::size_t d_value;
    const float* q;  // [d_key]
    const float* k;  // [d_key]
    const float* v;  // [d_value]
    float decay;
    float beta;
    float* y;  // [d_value]
    bool corrects = true;
};

// Which table provides a function.
template <class Function>
struct Slot {
    Function* fn = nullptr;
    const char* isa = nullptr;
};

// q8 or f32 panel of one token: column `slot` of a panel of `width` tokens.
using PackActivationFn = void(const float* x, std::size_t n_in, std::byte* panel, std::size_t width, std::size_t slot);

struct Table {
    const char* isa = nullptr;

    Slot<void(const MatmulArgs&)> matmul[kFormats];
    Slot<void(const PackArgs&)> pack[kFormats];
    // One row of a packed tile (row < 16) as floats: y[n_in].
    Slot<void(const std::byte* tile, std::size_t row, std::size_t n_in, float* y)> read_row[kFormats];
    // n_in weights of a row as the file has them, as floats.
    Slot<void(const std::byte* blocks, std::size_t n_in, float* y)> decode[kFormats];

    Slot<PackActivationFn> pack_q8;
    Slot<PackActivationFn> pack_f32;

    // y[i] = x[i] / sqrt(mean(x^2) + eps) * weight[i]; weight may be null: ones. y may be x.
    Slot<void(const float* x, const float* weight, std::size_t n, float eps, float* y)> rms_norm;
    // y[i] = (x[i] - mean(x)) / sqrt(variance(x) + eps) * weight[i] + bias[i]; bias may be null. y may be x.
    Slot<void(const float* x, const float* weight, const float* bias, std::size_t n, float eps, float* y)> layer_norm;
    // y[i] += x[i]
    Slot<void(const float* x, std::size_t n, float* y)> add;
    // y[i] = fma(x[i], factor, y[i])
    Slot<void(const float* x, float factor, std::size_t n, float* y)> add_scaled;
    // y[i] = fma(x[i], w[i], y[i])
    Slot<void(const float* x, const float* w, std::size_t n, float* y)> mul_add;
    // y[i] = x[i] * factor. y may be x.
    Slot<void(const float* x, float factor, std::size_t n, float* y)> scale;
    // y[i] = activation(gate[i]) * up[i]. y may be gate.
    Slot<void(const float* gate, const float* up, std::size_t n, float* y)> silu_mul;
    Slot<void(const float* gate, const float* up, std::size_t n, float* y)> gelu_tanh_mul;
    Slot<void(const float* gate, const float* up, std::size_t n, float* y)> gelu_mul;  // by the normal distribution
    // With g = min(gate[i], 7) and u = up[i] within -7..7: y[i] = g * sigmoid(1.702 g) * (u + 1). y may be gate.
    Slot<void(const float* gate, const float* up, std::size_t n, float* y)> swiglu_clamped;
    // y[i] = x[i] / (1 + e^-gate[i]). y may be x.
    Slot<void(const float* x, const float* gate, std::size_t n, float* y)> sigmoid_mul;
    // y[i] = max(0, x[i] - mean(x) - n_deviations * sqrt(variance(x))), the variance over n. y may be x.
    Slot<void(const float* x, float n_deviations, std::size_t n, float* y)> sparsify;
    // y[i] = cap * tanh(x[i] / cap). y may be x.
    Slot<void(const float* x, float cap, std::size_t n, float* y)> softcap;
    // Rotates the first n_rot of x in place; cosines and sines [n_rot / 2]. neox: pairs (i, i + n_rot/2);
    // interleaved: pairs (2i, 2i + 1).
    Slot<void(const float* cosines, const float* sines, std::size_t n_rot, float* x)> rope_neox;
    Slot<void(const float* cosines, const float* sines, std::size_t n_rot, float* x)> rope_interleaved;

    // Stores one position's key and value [head_dim] into its slot; values beyond the range of f16 saturate.
    Slot<void(const KvHead& kv, std::int64_t pos, const float* key, const float* value)> store_kv[kKvFormats];
    Slot<void(const AttentionArgs&)> attention[kKvFormats];
    // Adds a later span's (m, l, o) of one query to the total of the earlier ones.
    Slot<void(const float* m, const float* l, const float* o, std::size_t head_dim, float* total_m, float* total_l,
              float* total_o)>
        merge_attention;
    // y[head_dim] = o / sum(l); head_dim may be any number here.
    Slot<void(const float* l, const float* o, std::size_t head_dim, float* y)> finish_attention;

    Slot<void(const DeltaRuleArgs&)> delta_rule;
};

// The tables that this library has and this CPU can run, best first; the last is scalar. n is at least 1.
struct IsaList {
    const char* names[8];
    std::size_t n;
};
IsaList available_isas() noexcept;

// Fills `table` for an instruction set: scalar first, then every supported set up to the one asked for, slot by slot.
// name: empty for the best. False when the library or the CPU lacks it.
bool make_table(std::string_view name, Table& table) noexcept;

}  // namespace linnet::kernels
