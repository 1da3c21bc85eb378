// SPDX-License-Identifier: MIT
#include "cache/kv_cache.hpp"

#include <algorithm>
#include <cstring>

#include "base/checked.hpp"

namespace linnet {

namespace {

kernels::KvFormat kv_format(KvType type) noexcept {
    return type == KvType::f16 ? kernels::KvFormat::f16 : kernels::KvFormat::f32;
}

// A pass of n_batch positions is stored before its first query looks back over the window.
std::uint32_t ring_size(const arch::LayerSpec& layer, std::uint32_t n_ctx, std::uint32_t n_batch) noexcept {
    std::uint64_t n = n_ctx;
    if (layer.window != 0) n = std::min<std::uint64_t>(n, std::uint64_t{layer.window} + n_batch);
    return static_cast<std::uint32_t>(round_up(n, std::uint64_t{kernels::kKeyTile}));
}

// Keys (or values) of one head.
std::uint64_t half_bytes(const arch::LayerSpec& layer, std::uint32_t ring, kernels::KvFormat format) noexcept {
    return std::uint64_t{ring} * padded_head_dim(layer) * kernels::element_bytes(format);
}

std::uint64_t layer_bytes(const arch::LayerSpec& layer, std::uint32_t ring, kernels::KvFormat format) noexcept {
    return 2 * half_bytes(layer, ring, format) * layer.n_kv_heads;
}

}  // namespace

std::uint64_t KvCache::bytes(const arch::ModelSpec& spec, std::uint32_t n_ctx, std::uint32_t n_batch, KvType type) {
    std::uint64_t total = spec.layers.size() * sizeof(Layer);
    for (const arch::LayerSpec& layer : spec.layers) {
        total = checked_add(total, layer_bytes(layer, ring_size(layer, n_ctx, n_batch), kv_format(type)), "KV cache");
    }
    return total;
}

KvCache::KvCache(const arch::ModelSpec& spec, std::uint32_t n_ctx, std::uint32_t n_batch, KvType type, Memory& memory)
    : format_(kv_format(type)), layers_(spec.layers.size(), &memory) {
    std::uint64_t offset = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const arch::LayerSpec& layer = spec.layers[i];
        const std::uint32_t ring = ring_size(layer, n_ctx, n_batch);
        layers_[i] = {offset, ring, layer.window, padded_head_dim(layer), layer.n_kv_heads};
        offset += layer_bytes(layer, ring, format_);
    }
    buffer_ = Buffer(memory, offset);
}

kernels::KvHead KvCache::head(std::size_t layer, std::size_t kv_head) const noexcept {
    const Layer& l = layers_[layer];
    const std::uint64_t half = std::uint64_t{l.ring} * l.head_dim * kernels::element_bytes(format_);
    // The cache is the session's own: const here means that its shape does not change.
    auto* keys = const_cast<std::byte*>(buffer_.data()) + l.offset + 2 * half * kv_head;
    return {keys, keys + half, l.ring, l.head_dim};
}

void KvCache::reserve(std::uint32_t end) noexcept {
    const auto target = round_up(end, static_cast<std::uint32_t>(kernels::kKeyTile));
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const Layer& layer = layers_[i];
        const std::uint64_t begin = std::min(reserved_, layer.ring);
        const std::uint64_t n = std::min(target, layer.ring) - std::min<std::uint64_t>(begin, std::min(target, layer.ring));
        // Tiles of keys, like rows of values, lie in the order of their positions.
        const std::uint64_t row = layer.head_dim * kernels::element_bytes(format_);
        for (std::uint32_t h = 0; n > 0 && h < layer.n_kv_heads; ++h) {
            const kernels::KvHead kv = head(i, h);
            std::memset(kv.keys + begin * row, 0, n * row);
            std::memset(kv.values + begin * row, 0, n * row);
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
