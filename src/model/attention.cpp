// SPDX-License-Identifier: MIT
// y (or z) = output(attention(q, k, v)), q k v = projections of norm(x). Keys and values go to the cache first; then
// every query looks back over the cache, span by span of absolute positions, merged in ascending order: prefill, decode
// and a decode whose spans are spread over threads do the same arithmetic.
#include "base/math.hpp"
#include "model/latent.hpp"

namespace linnet {

namespace {

using arch::Role;
using kernels::kKeySpan;
using kernels::kKeyTile;
using kernels::kTileRows;

// One layer's attention, with its shapes.
struct Heads {
    const Pass& pass;
    const arch::LayerSpec& spec;
    std::size_t layer;
    std::size_t group;     // query heads per KV head
    std::size_t head_dim;  // padded
    std::size_t q_width;   // n_heads * head_dim, not padded
    std::size_t q_stride;  // from one projected query to the next, gates between them
    std::size_t q_rows;    // all that is projected for queries
    std::size_t kv_width;
    bool own_kv;  // else those that another layer has stored
    bool own_v;   // else the projected keys

    Heads(const Pass& p, std::size_t i)
        : pass(p),
          spec(p.spec.layers[i]),
          layer(i),
          group(spec.n_heads / spec.n_kv_heads),
          head_dim(padded_head_dim(spec)),
          q_width(std::size_t{spec.n_heads} * spec.head_dim),
          q_stride(spec.gated ? 2 * std::size_t{spec.head_dim} : spec.head_dim),
          q_rows(spec.n_heads * q_stride),
          kv_width(std::size_t{spec.n_kv_heads} * spec.head_dim),
          own_kv(spec.kv_layer == arch::kOwn),
          own_v(p.weights.matrix(Role::attn_v, i).data != nullptr) {}

    std::size_t qkv_width() const { return q_rows + 2 * kv_width; }
    // Queries of one KV head are contiguous over tokens and heads of its group.
    float* query(std::size_t kv, std::size_t t) const { return pass.s.q + (kv * pass.n_tokens + t) * group * head_dim; }
    std::int64_t position(std::size_t t) const { return static_cast<std::int64_t>(pass.pos + t); }
    // Positions that token t sees.
    std::int64_t first(std::size_t t) const {
        const std::int64_t back = pass.spec.bidirectional ? spec.window / 2 : spec.window - std::int64_t{1};
        return spec.window == 0 ? 0 : std::max<std::int64_t>(0, position(t) - back);
    }
    std::int64_t last(std::size_t t) const {
        if (!pass.spec.bidirectional) return position(t);
        const std::int64_t end = position(pass.n_tokens - 1);
        return spec.window == 0 ? end : std::min<std::int64_t>(end, position(t) + spec.window / 2);
    }
};

// Copies a head into padded memory, norms and rotates it. norm: weights [head_dim] for all heads, or
// [n_heads][head_dim]; null when there is none, or it has been done.
void prepare_head(const Heads& a, const float* x, const float* norm, std::size_t head, std::size_t t,
                  float* y) noexcept {
    const Pass& pass = a.pass;
    const std::size_t head_dim = a.spec.head_dim;
    if (norm != nullptr) {
        const bool own = a.spec.head_norm == arch::HeadNorm::each_head;
        pass.norm({own ? norm + head * head_dim : norm, nullptr}, x, head_dim, y);
    } else {
        std::copy_n(x, head_dim, y);
    }
    std::fill(y + head_dim, y + a.head_dim, 0.0F);
    rotate(pass, a.spec, t, y);
}

void prepare_token(const Heads& a, std::size_t t, WorkerScratch& w) noexcept {
    const Pass& pass = a.pass;
    float* q = pass.s.qkv + t * a.qkv_width();
    float* k = q + a.q_rows;
    const float* v = a.own_v ? k + a.kv_width : k;
    const float* q_norm = pass.weights.vector(Role::attn_q_norm, a.layer);
    const float* k_norm = pass.weights.vector(Role::attn_k_norm, a.layer);
    if (a.spec.head_norm == arch::HeadNorm::row) {
        pass.norm({q_norm, nullptr}, q, a.q_width, q);
        pass.norm({k_norm, nullptr}, k, a.kv_width, k);
        q_norm = k_norm = nullptr;
    }
    const float scale = query_scale(pass, a.spec, t);
    const auto& store = pass.kernels.store_kv[static_cast<std::size_t>(pass.cache.format())];
    for (std::size_t kv = 0; kv < a.spec.n_kv_heads; ++kv) {
        float* query = a.query(kv, t);
        for (std::size_t g = 0; g < a.group; ++g, query += a.head_dim) {
            prepare_head(a, q + (kv * a.group + g) * a.q_stride, q_norm, kv * a.group + g, t, query);
            pass.kernels.scale.fn(query, scale, a.head_dim, query);
        }
        if (!a.own_kv) continue;
        prepare_head(a, k + kv * a.spec.head_dim, k_norm, kv, t, w.key);
        const float* value = v + kv * a.spec.head_dim;
        if (a.spec.value_norm) {
            pass.kernels.rms_norm.fn(value, nullptr, a.spec.head_dim, pass.spec.norm_eps, w.value);
        } else {
            std::copy_n(value, a.spec.head_dim, w.value);
        }
        std::fill(w.value + a.spec.head_dim, w.value + a.head_dim, 0.0F);
        store.fn(pass.cache.head(a.layer, kv), a.position(t), w.key, w.value);
    }
}

// Positions [begin, end) of whole tiles inside span `index` that any token of [t0, t1) sees.
struct SpanRange {
    std::int64_t begin;
    std::int64_t end;

    SpanRange(const Heads& a, std::int64_t index, std::size_t t0, std::size_t t1) {
        constexpr auto kTile = static_cast<std::int64_t>(kKeyTile);
        constexpr auto kSpan = static_cast<std::int64_t>(kKeySpan);
        begin = std::max(index * kSpan, a.first(t0) / kTile * kTile);
        end = std::min((index + 1) * kSpan, (a.last(t1 - 1) / kTile + 1) * kTile);
    }
};

// The partial result of tokens [t0, t1) of one KV head over one span.
void attend_span(const Heads& a, std::size_t kv, std::size_t t0, std::size_t t1, std::int64_t span, WorkerScratch& w,
                 const AttentionState& state) noexcept {
    std::size_t n = 0;
    for (std::size_t t = t0; t < t1; ++t) {
        for (std::size_t g = 0; g < a.group; ++g, ++n) {
            w.first[n] = a.first(t);
            w.last[n] = a.last(t);
        }
    }
    const SpanRange range(a, span, t0, t1);
    a.pass.kernels.attention[static_cast<std::size_t>(a.pass.cache.format())].fn(
        {a.pass.cache.head(a.layer, kv), a.query(kv, t0), n, w.first, w.last, range.begin, range.end, state.m, state.l,
         state.o, w.scores, w.panel, a.spec.attention_cap});
}

AttentionState column(const AttentionState& state, std::size_t c, std::size_t head_dim) noexcept {
    return {state.m + c, state.l + c * kTileRows, state.o + c * head_dim};
}

void merge(const Heads& a, const AttentionState& span, const AttentionState& total) noexcept {
    a.pass.kernels.merge_attention.fn(span.m, span.l, span.o, a.head_dim, total.m, total.l, total.o);
}

// The sink comes last, as a span of one key whose value is zero.
void finish(const Heads& a, const AttentionState& total, std::size_t head, std::size_t t) noexcept {
    alignas(64) static constexpr float kSum[kTileRows] = {1.0F};
    alignas(64) static constexpr float kNoValue[arch::kMaxHeadDim] = {};
    if (const float* sinks = a.pass.weights.vector(Role::attn_sinks, a.layer)) {
        a.pass.kernels.merge_attention.fn(sinks + head, kSum, kNoValue, a.head_dim, total.m, total.l, total.o);
    }
    a.pass.kernels.finish_attention.fn(total.l, total.o, a.spec.head_dim,
                                       a.pass.s.h + t * a.q_width + head * a.spec.head_dim);
}

std::int64_t first_span(const Heads& a, std::size_t t) { return a.first(t) / static_cast<std::int64_t>(kKeySpan); }
std::int64_t last_span(const Heads& a, std::size_t t) { return a.last(t) / static_cast<std::int64_t>(kKeySpan); }

// Tasks of some tokens of one KV head, each over all its spans.
bool attend_tokens(const Heads& a, std::size_t tokens_per_task) noexcept {
    const std::size_t n_tokens = a.pass.n_tokens;
    const std::size_t n_blocks = (n_tokens + tokens_per_task - 1) / tokens_per_task;
    return a.pass.parallel(n_blocks * a.spec.n_kv_heads, [&](std::size_t task, WorkerScratch& w) {
        const std::size_t kv = task % a.spec.n_kv_heads;
        const std::size_t t0 = (n_blocks - 1 - task / a.spec.n_kv_heads) * tokens_per_task;  // the longest first
        const std::size_t t1 = std::min(t0 + tokens_per_task, n_tokens);
        const std::size_t n = (t1 - t0) * a.group;
        attend_span(a, kv, t0, t1, first_span(a, t0), w, w.total);
        for (std::int64_t span = first_span(a, t0) + 1; span <= last_span(a, t1 - 1) && !a.pass.cancelled(); ++span) {
            attend_span(a, kv, t0, t1, span, w, w.span);
            for (std::size_t c = 0; c < n; ++c) {
                merge(a, column(w.span, c, a.head_dim), column(w.total, c, a.head_dim));
            }
        }
        for (std::size_t c = 0; c < n; ++c) {
            finish(a, column(w.total, c, a.head_dim), kv * a.group + c % a.group, t0 + c / a.group);
        }
    });
}

// One token whose spans are tasks of their own, merged afterwards.
bool attend_spans(const Heads& a) noexcept {
    const std::int64_t begin = first_span(a, 0);
    const auto n_spans = static_cast<std::size_t>(last_span(a, 0) - begin + 1);
    const auto state = [&](std::size_t kv, std::size_t span) {
        return column(a.pass.s.spans, (kv * n_spans + span) * a.group, a.head_dim);
    };
    const bool done = a.pass.parallel(n_spans * a.spec.n_kv_heads, [&](std::size_t task, WorkerScratch& w) {
        const std::size_t kv = task % a.spec.n_kv_heads;
        const std::size_t span = task / a.spec.n_kv_heads;
        attend_span(a, kv, 0, 1, begin + static_cast<std::int64_t>(span), w, state(kv, span));
    });
    if (!done) return false;
    for (std::size_t head = 0; head < a.spec.n_heads; ++head) {
        const auto part = [&](std::size_t span) {
            return column(state(head / a.group, span), head % a.group, a.head_dim);
        };
        for (std::size_t span = 1; span < n_spans; ++span) merge(a, part(span), part(0));
        finish(a, part(0), head, 0);
    }
    return true;
}

// Queries into s.q, keys and values into the cache.
bool prepare(const Heads& a) noexcept {
    const Pass& pass = a.pass;
    const Weights& weights = pass.weights;
    const std::size_t layer = a.layer;
    const Norm norm = weights.norm(Role::attn_norm, Role::attn_norm_bias, layer);
    const std::size_t width = a.qkv_width();

    const Projection qkv[] = {
        {weights.matrix(Role::attn_q, layer), weights.vector(Role::attn_q_bias, layer), pass.s.qkv, width},
        {weights.matrix(Role::attn_k, layer), weights.vector(Role::attn_k_bias, layer), pass.s.qkv + a.q_rows, width},
        {weights.matrix(Role::attn_v, layer), weights.vector(Role::attn_v_bias, layer),
         pass.s.qkv + a.q_rows + a.kv_width, width},
    };
    auto make_normed = [&](std::size_t t) -> const float* { return input_row(pass, norm, t); };
    const std::size_t n_projections = !a.own_kv ? 1 : a.own_v ? 3 : 2;
    return linear(pass, Part::qkv, std::span(qkv).first(n_projections), pass.spec.d_model, pass.n_tokens,
                  make_normed) &&
           pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch& w) { prepare_token(a, t, w); });
}

// Each head's result times the sigmoid of its gate.
void apply_gates(const Heads& a, std::size_t t) noexcept {
    for (std::size_t head = 0; head < a.spec.n_heads; ++head) {
        float* result = a.pass.s.h + t * a.q_width + head * a.spec.head_dim;
        const float* gate = a.pass.s.qkv + t * a.qkv_width() + head * a.q_stride + a.spec.head_dim;
        a.pass.kernels.sigmoid_mul.fn(result, gate, a.spec.head_dim, result);
    }
}

}  // namespace

void rotate(const Pass& pass, const arch::LayerSpec& layer, std::size_t t, float* x) noexcept {
    const arch::RopeSpec& rope = pass.spec.ropes[layer.rope];
    if (rope.kind == arch::RopeKind::none) return;
    std::size_t offset = 0;
    for (std::size_t i = 0; i < layer.rope; ++i) offset += pass.spec.ropes[i].n_rot / 2 * pass.shape.n_batch;
    offset += rope.n_rot / 2 * t;
    const auto& kernel = rope.kind == arch::RopeKind::neox ? pass.kernels.rope_neox : pass.kernels.rope_interleaved;
    kernel.fn(pass.s.cosines + offset, pass.s.sines + offset, rope.n_rot, x);
}

float query_scale(const Pass& pass, const arch::LayerSpec& layer, std::size_t t) noexcept {
    const arch::TemperatureSpec& temperature = pass.spec.temperature;
    if (temperature.beta == 0.0F) return layer.attention_scale;
    const auto n_contexts = static_cast<double>((pass.pos + t) / temperature.n_ctx_orig);  // whole ones
    return static_cast<float>(layer.attention_scale * (1.0 + temperature.beta * math::log(1.0 + n_contexts)));
}

bool attention(const Pass& pass, std::size_t layer) noexcept {
    const Heads a(pass, layer);
    const Weights& weights = pass.weights;
    const std::size_t d_model = pass.spec.d_model;
    const bool latent = a.spec.latent.rank != 0;
    if (!(latent ? prepare_latent(pass, layer) : prepare(a))) return false;
    pass.lap(Part::store);

    const std::size_t tokens_per_task = std::max<std::size_t>(1, kAttentionColumns / a.group);
    const bool split = pass.n_tokens == 1 && last_span(a, 0) > first_span(a, 0);
    if (!(split ? attend_spans(a) : attend_tokens(a, tokens_per_task))) return false;
    pass.lap(Part::attention);

    float* y = a.spec.parallel ? pass.s.z : pass.s.y;
    const Projection output[] = {
        {weights.matrix(Role::attn_output, layer), weights.vector(Role::attn_output_bias, layer), y, d_model}};
    const std::size_t n_in = output[0].w.n_in;
    float* values = latent ? pass.s.qkv : pass.s.h;
    auto attended = [&](std::size_t t) -> const float* {
        if (a.spec.gated) apply_gates(a, t);
        return values + t * n_in;
    };
    return (!latent || latent_values(pass, layer)) &&
           linear(pass, Part::attention_output, output, n_in, pass.n_tokens, attended);
}

}  // namespace linnet
