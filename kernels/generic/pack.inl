// SPDX-License-Identifier: MIT
// Packing: 16 rows of the file -> one tile, and back for single rows.
#pragma once

#include "kernels/api/table.hpp"
#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

template <class V, class F>
void pack(const PackArgs& a) {
    using Block = typename F::Block;
    const std::size_t n_blocks = a.n_in / F::kBlock;
    auto* tiles = reinterpret_cast<typename F::Tile*>(a.tile);
    Rows rows{a.rows, {}};
    for (std::size_t row = 0; row < kRows; ++row) {
        const std::size_t source = row < a.n_rows ? row : a.n_rows - 1;
        rows.offset[row] = static_cast<std::uint32_t>(source * n_blocks * sizeof(Block));
    }
    for (std::size_t b = 0; b < n_blocks; ++b, rows.base += sizeof(Block)) {
        if constexpr (F::kBlock == 1) {
            for (std::size_t row = 0; row < kRows; ++row) {
                std::memcpy(tiles[b].w + row, rows.base + rows.offset[row], sizeof(Block));
            }
        } else {
            F::template pack<V>(rows, tiles[b]);
        }
    }
}

template <class F>
void decode(const std::byte* blocks, std::size_t n_in, float* y) {
    using Block = typename F::Block;
    for (std::size_t b = 0; b < n_in / F::kBlock; ++b) {
        Block block;
        std::memcpy(&block, blocks + b * sizeof(Block), sizeof block);
        if constexpr (F::kBlock == 1) {
            y[b] = F::decode(block);
        } else {
            F::decode(block, y + b * F::kBlock);
        }
    }
}

template <class F>
void read_row(const std::byte* tile, std::size_t row, std::size_t n_in, float* y) {
    const auto* tiles = reinterpret_cast<const typename F::Tile*>(tile);
    for (std::size_t b = 0; b < n_in / F::kBlock; ++b) {
        if constexpr (F::kBlock == 1) {
            y[b] = F::decode(tiles[b].w[row]);
        } else {
            typename F::Block block;
            F::unpack(tiles[b], row, block);
            F::decode(block, y + b * F::kBlock);
        }
    }
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
