// SPDX-License-Identifier: MIT
// Keys and values of one sequence: per layer and KV head a ring over positions, as long as the layer can see. Global
// layers hold the whole context; sliding-window layers hold their window and the batch that is being computed; layers
// that attend to another's keys and values hold nothing.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "arch/arch_spec.hpp"
#include "base/memory.hpp"
#include "kernels/api/table.hpp"

namespace linnet {

// Values of LINNET_KV_*.
enum class KvType : std::int32_t { f16 = 0, f32 = 1, q8 = 2 };

// Dimensions of a head as attention pads them: a multiple of 32, the rest zero.
inline std::uint32_t padded_head_dim(const arch::LayerSpec& layer) noexcept { return (layer.head_dim + 31) / 32 * 32; }

class KvCache {
  public:
    // Exactly what the constructor takes from memory.
    static std::uint64_t bytes(const arch::ModelSpec& spec, std::uint32_t n_ctx, std::uint32_t n_batch, KvType type);

    // What a token at position `pos` reads of it.
    static std::uint64_t bytes_read(const arch::ModelSpec& spec, std::uint32_t pos, KvType type);

    KvCache(const arch::ModelSpec& spec, std::uint32_t n_ctx, std::uint32_t n_batch, KvType type, Memory& memory);

    kernels::KvFormat format() const noexcept { return format_; }
    kernels::KvHead head(std::size_t layer, std::size_t kv_head) const noexcept;

    // To be called before positions up to `end` (exclusive) are stored. Slots are zeroed when they are first reached:
    // what attention masks out must still be finite, and a long context should cost memory as it fills.
    void reserve(std::uint32_t end) noexcept;
    // True when positions from `pos` on may be computed although positions up to `written` (exclusive) have been
    // stored: no window that ends before pos has been overwritten.
    bool holds_window(std::uint32_t pos, std::uint32_t written) const noexcept;

  private:
    struct Layer {
        std::uint64_t offset;  // of the first head in the buffer
        std::uint32_t ring;    // positions
        std::uint32_t window;  // 0: all
        std::uint32_t head_dim;
        std::uint32_t n_kv_heads;
    };

    kernels::KvFormat format_;
    std::pmr::vector<Layer> layers_;
    Buffer buffer_;
    std::uint32_t reserved_ = 0;  // positions whose slots have been zeroed once
};

}  // namespace linnet
