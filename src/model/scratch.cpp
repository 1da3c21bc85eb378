// SPDX-License-Identifier: MIT
#include "model/scratch.hpp"

#include <algorithm>

#include "base/checked.hpp"

namespace linnet {

namespace {

using kernels::Activations;

// Hands out parts of one block of memory; with a null block it only counts.
class Carver {
  public:
    explicit Carver(std::byte* base) : base_(base) {}

    template <class T>
    T* take(std::uint64_t n) {
        const std::uint64_t offset = size_;
        const std::uint64_t bytes = checked_mul<std::uint64_t>(n, sizeof(T), "session memory");
        size_ = checked_add(size_, checked_round_up<std::uint64_t>(bytes, Buffer::kAlign, "session memory"),
                            "session memory");
        return base_ != nullptr ? reinterpret_cast<T*>(base_ + offset) : nullptr;
    }
    std::uint64_t size() const { return size_; }

  private:
    std::byte* base_;
    std::uint64_t size_ = 0;
};

// Widest extents over all layers.
struct Widths {
    std::uint64_t q = 0;
    std::uint64_t qkv = 0;
    std::uint64_t padded_q = 0;
    std::uint64_t head_dim = 0;  // padded
    std::uint64_t n_heads = 0;
    std::uint64_t group = 0;
    std::uint64_t d_ff = 0;       // of what all tokens use
    std::uint64_t input = 0;      // of any matmul but the feed-forward's last
    std::uint64_t widest = 0;     // of any matmul
    std::uint64_t half_rots = 0;  // of all ropes together
    std::uint64_t z = 0;          // d_model when some layer is parallel, has more than experts or a low-rank residual
    std::uint64_t mixed = 0;      // convolution of a delta net
    std::uint64_t sparse = 0;     // d_ff of layers with sparse gates
    std::uint64_t streams = 0;    // all of a token, when there are several
    std::uint64_t gathered = 0;
    std::uint64_t n_experts = 0;
    std::uint64_t n_used = 0;
    std::uint64_t d_ff_expert = 0;

    explicit Widths(const arch::ModelSpec& spec) {
        for (const arch::LayerSpec& layer : spec.layers) {
            const std::uint64_t padded = padded_head_dim(layer);
            q = std::max(q, std::uint64_t{layer.n_heads} * layer.head_dim);
            const std::uint64_t q_heads = (layer.gated ? 2 : 1) * std::uint64_t{layer.n_heads};
            qkv = std::max(qkv, (q_heads + 2 * std::uint64_t{layer.n_kv_heads}) * layer.head_dim);
            if (layer.mixer == arch::Mixer::short_conv) qkv = std::max(qkv, 3 * std::uint64_t{spec.d_model});
            if (layer.delta.n_value_heads != 0) {
                const arch::DeltaSpec& delta = layer.delta;
                const std::uint64_t conv = arch::conv_width(spec, layer);
                const std::uint64_t value = std::uint64_t{delta.n_value_heads} * delta.d_value;
                mixed = std::max(mixed, conv);
                qkv = std::max(qkv, conv + value + 2 * std::uint64_t{delta.n_value_heads});
                input = std::max(input, value);
            }
            if (layer.sparsity != arch::kDense) sparse = std::max<std::uint64_t>(sparse, layer.d_ff);
            padded_q = std::max(padded_q, layer.n_heads * padded);
            head_dim = std::max(head_dim, padded);
            const std::uint64_t latent_q = std::uint64_t{layer.n_heads} * layer.latent.query;
            const std::uint64_t latent_values = std::uint64_t{layer.n_heads} * layer.latent.value;
            q = std::max({q, latent_q, latent_values, std::uint64_t{layer.latent.query_rank}});
            qkv = std::max({qkv, latent_q + layer.head_dim, latent_values});
            gathered = std::max<std::uint64_t>({gathered, layer.latent.query, layer.latent.rank});
            if (layer.experts.n_experts != 0) gathered = std::max<std::uint64_t>(gathered, spec.d_model);
            n_heads = std::max<std::uint64_t>(n_heads, layer.n_heads);
            if (layer.n_kv_heads != 0) group = std::max<std::uint64_t>(group, layer.n_heads / layer.n_kv_heads);
            d_ff = std::max<std::uint64_t>({d_ff, layer.d_ff, layer.experts.d_ff_shared});
            const bool beside = layer.experts.n_experts != 0 && layer.d_ff + layer.experts.d_ff_shared != 0;
            if (layer.parallel || beside || spec.d_laurel != 0) z = spec.d_model;
            n_experts = std::max<std::uint64_t>(n_experts, layer.experts.n_experts);
            n_used = std::max<std::uint64_t>(n_used, layer.experts.n_used);
            d_ff_expert = std::max<std::uint64_t>(d_ff_expert, layer.experts.d_ff);
        }
        if (spec.n_streams > 1) streams = std::uint64_t{spec.n_streams} * spec.d_model;
        for (const arch::RopeSpec& rope : spec.ropes) half_rots += rope.n_rot / 2;
        input = std::max(
            {input, q, std::uint64_t{spec.d_model}, std::uint64_t{spec.d_per_layer}, std::uint64_t{spec.d_laurel}});
        widest = std::max({input, d_ff, d_ff_expert, std::uint64_t{spec.d_dense}});
    }
};

AttentionState take_state(Carver& carver, std::uint64_t n, std::uint64_t head_dim) {
    return {carver.take<float>(n), carver.take<float>(n * kernels::kTileRows), carver.take<float>(n * head_dim)};
}

Panels take_panels(Carver& carver, std::uint64_t n_in, std::uint64_t n_batch) {
    Panels panels{};
    panels.of[static_cast<std::size_t>(Activations::f32)] = carver.take<std::byte>(n_in * n_batch * sizeof(float));
    // Whole blocks: the last one of a width that is no multiple is never used, but counted.
    const std::uint64_t n_blocks = div_up(n_in, std::uint64_t{kernels::kQuantBlock});
    panels.of[static_cast<std::size_t>(Activations::q8)] =
        carver.take<std::byte>(n_blocks * n_batch * kernels::kQuantBlockBytes);
    return panels;
}

ExpertScratch take_experts(Carver& carver, const Widths& width, std::uint64_t n_batch) {
    if (width.n_experts == 0) return {};
    const std::uint64_t n_rows = n_batch * width.n_used;
    ExpertScratch s{};
    s.scores = carver.take<float>(n_batch * width.n_experts);
    s.shared_scores = carver.take<float>(n_batch);
    s.chosen = carver.take<std::uint32_t>(n_rows);
    s.weights = carver.take<float>(n_rows);
    s.first = carver.take<std::uint32_t>(width.n_experts + 1);
    s.active = carver.take<std::uint32_t>(width.n_experts);
    s.tokens = carver.take<std::uint32_t>(n_rows);
    s.row_weights = carver.take<float>(n_rows);
    // Floats need more than 8 bits with their scales.
    static_assert(kernels::kQuantBlockBytes < kernels::kQuantBlock * sizeof(float));
    s.hidden = carver.take<std::byte>(n_rows * width.d_ff_expert * sizeof(float));
    return s;
}

}  // namespace

std::uint64_t lay_out(const arch::ModelSpec& spec, const PassShape& shape, std::uint32_t n_threads, std::byte* base,
                      Scratch& s) {
    const Widths width(spec);
    const std::uint64_t n = shape.n_batch;
    Carver carver(base);
    s.workers = carver.take<WorkerScratch>(n_threads);
    s.tokens = carver.take<Token>(n);
    s.frequencies = carver.take<double>(width.half_rots);
    s.cosines = carver.take<float>(width.half_rots * n);
    s.sines = carver.take<float>(width.half_rots * n);
    s.x = carver.take<float>(n * spec.d_model);
    s.h = carver.take<float>(n * width.input);
    s.y = carver.take<float>(n * spec.d_model);
    s.z = carver.take<float>(n * width.z);
    s.qkv = carver.take<float>(n * width.qkv);
    s.q = carver.take<float>(n * width.padded_q);
    s.mixed = carver.take<float>(n * width.mixed);
    s.gate = carver.take<float>(n * width.sparse);
    s.streams = carver.take<float>(n * width.streams);
    s.modalities = carver.take<float>(n * spec.n_streams);
    s.laurel = carver.take<float>(n * spec.d_laurel);
    s.per_layer = carver.take<float>(n * spec.layers.size() * spec.d_per_layer);
    const std::uint64_t head = shape.states ? std::max({spec.d_model, spec.d_dense, spec.n_classes}) : 0;
    for (float*& row : s.head) row = carver.take<float>(head);
    s.input = take_panels(carver, std::max(width.input, div_up(head, n)), n);
    s.hidden = take_panels(carver, width.d_ff, n);
    s.experts = take_experts(carver, width, n);
    s.logits = carver.take<float>(shape.states ? 0 : std::uint64_t{shape.n_logits} * spec.n_vocab);
    const std::uint64_t n_spans = div_up<std::uint64_t>(shape.n_ctx, kernels::kKeySpan);
    s.spans = take_state(carver, n_spans * width.n_heads, width.head_dim);
    const std::uint64_t columns = std::max<std::uint64_t>(kAttentionColumns, width.group);
    const std::uint64_t n_tokens = std::min<std::uint64_t>(n, kFeedForwardTokens);
    const std::uint64_t n_ffn = n_tokens * kFeedForwardRows;
    for (std::uint32_t i = 0; i < n_threads; ++i) {
        WorkerScratch w{};
        w.tiles = carver.take<std::byte>(kMappedTiles * width.widest * kernels::kTileRows * sizeof(float));
        w.unpacked = carver.take<std::byte>(kernels::kMatmulScratch);
        w.gate = carver.take<float>(n_ffn);
        w.up = carver.take<float>(n_ffn);
        w.gathered = take_panels(carver, width.gathered, n_tokens);
        w.key = carver.take<float>(width.head_dim);
        w.value = carver.take<float>(width.head_dim);
        w.per_layer = carver.take<float>(spec.layers.size() * spec.d_per_layer);
        w.streams = carver.take<float>(width.streams);
        w.first = carver.take<std::int64_t>(columns);
        w.last = carver.take<std::int64_t>(columns);
        w.scores = carver.take<float>(columns * kernels::kKeyTile);
        w.panel = carver.take<std::byte>(kernels::activation_bytes(Activations::q8, width.head_dim, columns));
        w.span = take_state(carver, columns, width.head_dim);
        w.total = take_state(carver, columns, width.head_dim);
        if (s.workers != nullptr) s.workers[i] = w;
    }
    return carver.size();
}

}  // namespace linnet
