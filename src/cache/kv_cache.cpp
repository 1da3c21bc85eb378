// SPDX-License-Identifier: MIT
#include "cache/kv_cache.hpp"

#include <algorithm>
#include <cstring>

#include "base/checked.hpp"

namespace linnet {

namespace {

kernels::KvFormat kv_format(KvType type) noexcept {
    switch (type) {
        case KvType::f32: return kernels::KvFormat::f32;
        case KvType::q8: return kernels::KvFormat::q8;
        case KvType::f16: break;
    }
    return kernels::KvFormat::f16;
}

// A pass of n_batch positions is stored before its first query looks back over the window.
std::uint32_t ring_size(const arch::LayerSpec& layer, std::uint32_t n_ctx, std::uint32_t n_batch) noexcept {
    std::uint64_t n = n_ctx;
    if (layer.window != 0) n = std::min<std::uint64_t>(n, std::uint64_t{layer.window} + n_batch);
    return static_cast<std::uint32_t>(round_up(n, std::uint64_t{kernels::kKeyTile}));
}

std::uint64_t layer_bytes(const arch::LayerSpec& layer, std::uint32_t ring, kernels::KvFormat format) noexcept {
    const std::uint32_t head_dim = padded_head_dim(layer);
    return layer.n_kv_heads *
           (kernels::key_bytes(format, head_dim, ring) + kernels::value_bytes(format, head_dim, ring));
}

// A text seen to both sides is one pass, and a layer's keys and values are of no use after it: where layers are of one
// shape they take each other's place.
bool is_reused(const arch::ModelSpec& spec) noexcept {
    const arch::LayerSpec& first = spec.layers.front();
    return spec.bidirectional && std::all_of(spec.layers.begin(), spec.layers.end(), [&](const auto& layer) {
               return layer.n_kv_heads == first.n_kv_heads && layer.head_dim == first.head_dim;
           });
}

}  // namespace

std::uint64_t KvCache::bytes(const arch::ModelSpec& spec, std::uint32_t n_ctx, std::uint32_t n_batch, KvType type) {
    std::uint64_t total = spec.layers.size() * sizeof(Layer);
    for (const arch::LayerSpec& layer : spec.layers) {
        if (layer.kv_layer != arch::kOwn) continue;
        total = checked_add(total, layer_bytes(layer, ring_size(layer, n_ctx, n_batch), kv_format(type)), "KV cache");
        if (is_reused(spec)) break;
    }
    return total;
}

std::uint64_t KvCache::bytes_read(const arch::ModelSpec& spec, std::uint32_t pos, KvType type) {
    std::uint64_t total = 0;
    for (const arch::LayerSpec& layer : spec.layers) {
        total += layer_bytes(layer, ring_size(layer, pos + 1, 0), kv_format(type));
    }
    return total;
}

KvCache::KvCache(const arch::ModelSpec& spec, std::uint32_t n_ctx, std::uint32_t n_batch, KvType type, Memory& memory)
    : format_(kv_format(type)), layers_(spec.layers.size(), &memory) {
    std::uint64_t offset = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const arch::LayerSpec& layer = spec.layers[i];
        if (layer.kv_layer != arch::kOwn) {
            layers_[i] = layers_[layer.kv_layer];
            continue;
        }
        const std::uint32_t ring = ring_size(layer, n_ctx, n_batch);
        layers_[i] = {offset, ring, layer.window, padded_head_dim(layer), layer.n_kv_heads};
        if (!is_reused(spec)) offset += layer_bytes(layer, ring, format_);
    }
    buffer_ = Buffer(memory, bytes(spec, n_ctx, n_batch, type) - spec.layers.size() * sizeof(Layer));
}

kernels::KvHead KvCache::head(std::size_t layer, std::size_t kv_head) const noexcept {
    const Layer& l = layers_[layer];
    const std::size_t n_keys = kernels::key_bytes(format_, l.head_dim, l.ring);
    const std::size_t n_values = kernels::value_bytes(format_, l.head_dim, l.ring);
    // The cache is the session's own: const here means that its shape does not change.
    auto* keys = const_cast<std::byte*>(buffer_.data()) + l.offset + (n_keys + n_values) * kv_head;
    return {keys, keys + n_keys, l.ring, l.head_dim};
}

void KvCache::reserve(std::uint32_t end) noexcept {
    const auto target = round_up(end, static_cast<std::uint32_t>(kernels::kKeyTile));
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const Layer& layer = layers_[i];
        const std::uint32_t begin = std::min(reserved_, layer.ring);
        const std::uint32_t n = std::min(target, layer.ring) - std::min(begin, target);
        // Tiles of keys, like those of values, lie in the order of their positions.
        const auto clear = [&](std::byte* data, auto bytes_of) {
            std::memset(data + bytes_of(format_, layer.head_dim, begin), 0, bytes_of(format_, layer.head_dim, n));
        };
        for (std::uint32_t h = 0; n > 0 && h < layer.n_kv_heads; ++h) {
            const kernels::KvHead kv = head(i, h);
            clear(kv.keys, kernels::key_bytes);
            clear(kv.values, kernels::value_bytes);
        }
    }
    reserved_ = std::max(reserved_, target);
}

bool KvCache::holds_window(std::uint32_t pos, std::uint32_t written) const noexcept {
    return std::all_of(layers_.begin(), layers_.end(), [&](const Layer& layer) {
        if (layer.window == 0) return true;
        const std::uint64_t first = pos >= layer.window ? pos - layer.window + 1 : 0;
        return first + layer.ring >= written;
    });
}

}  // namespace linnet
