// SPDX-License-Identifier: MIT
#include "model/linear.hpp"

#include "base/checked.hpp"

namespace linnet {

namespace {

using kernels::Activations;
using kernels::kTileRows;

// Weights of one task, at most: they stay in a core's second-level cache while all panels of tokens pass by.
constexpr std::size_t kTaskBytes = 160 * 1024;

// Kernels take two tiles at a time.
constexpr std::size_t kPairRows = 2 * kTileRows;

std::size_t n_pairs(const Matrix& w) noexcept { return div_up<std::size_t>(w.n_out, kPairRows); }

void add_bias(const Pass& pass, const Projection& p, std::size_t row, std::size_t n, std::size_t n_tokens) noexcept {
    for (std::size_t t = 0; t < n_tokens; ++t) pass.kernels.add.fn(p.bias + row, n, p.y + t * p.y_stride + row);
}

}  // namespace

void pack_row(const Pass& pass, Activations kind, const float* values, std::size_t first, std::size_t n,
              std::size_t n_in, std::size_t t, std::size_t n_tokens, const Panels& panels) noexcept {
    const std::size_t slot = t % kernels::panel_tokens(kind);
    const std::size_t width = std::min(kernels::panel_tokens(kind), n_tokens - (t - slot));
    std::byte* target = panels.of[static_cast<std::size_t>(kind)] + kernels::activation_bytes(kind, n_in, t - slot) +
                        kernels::activation_bytes(kind, first, width);
    const auto& pack = kind == Activations::q8 ? pass.kernels.pack_q8 : pass.kernels.pack_f32;
    pack.fn(values, n, target, width, slot);
}

void multiply_tiles(const Pass& pass, const Matrix& w, std::size_t first_tile, std::size_t n_tiles,
                    const Panels& panels, TokenRange tokens, float* y, std::size_t y_stride,
                    WorkerScratch& worker) noexcept {
    const kernels::FormatInfo& format = kernels::info(w.format);
    const auto index = static_cast<std::size_t>(w.format);
    const std::byte* x = panels.of[static_cast<std::size_t>(format.activations)] +
                         kernels::activation_bytes(format.activations, w.n_in, tokens.first);
    const std::size_t tile_bytes = kernels::tile_bytes(format, w.n_in);
    const auto rows = [&](std::size_t tile, std::size_t n) {
        return std::min<std::size_t>(n * kTileRows, w.n_out - tile * kTileRows);
    };
    if (!pass.weights.mapped()) {
        pass.kernels.matmul[index].fn({w.data + first_tile * tile_bytes, n_tiles, rows(first_tile, n_tiles), w.n_in, x,
                                       tokens.n, y, y_stride, worker.unpacked});
    }
    // Rows of the file have the bytes of their tile.
    for (std::size_t i = 0; pass.weights.mapped() && i < n_tiles; i += kMappedTiles) {
        const std::size_t n = std::min<std::size_t>(kMappedTiles, n_tiles - i);
        const std::size_t tile = first_tile + i;
        for (std::size_t j = 0; j < n; ++j) {
            pass.kernels.pack[index].fn(
                {w.data + (tile + j) * tile_bytes, rows(tile + j, 1), w.n_in, worker.tiles + j * tile_bytes});
        }
        pass.kernels.matmul[index].fn(
            {worker.tiles, n, rows(tile, n), w.n_in, x, tokens.n, y + i * kTileRows, y_stride, worker.unpacked});
    }
    for (std::size_t t = 0; w.scale != 1.0F && t < tokens.n; ++t) {
        float* row = y + t * y_stride;
        pass.kernels.scale.fn(row, w.scale, rows(first_tile, n_tiles), row);
    }
}

bool multiply(const Pass& pass, Part part, std::span<const Projection> projections, const Panels& panels,
              std::size_t n_tokens) noexcept {
    std::size_t total = 0;
    std::size_t pair_bytes = 0;  // of the widest
    for (const Projection& p : projections) {
        total += n_pairs(p.w);
        pair_bytes = std::max(pair_bytes, 2 * kernels::tile_bytes(kernels::info(p.w.format), p.w.n_in));
    }
    // Pairs of tiles are counted through all projections.
    const std::size_t most = std::max<std::size_t>(1, kTaskBytes / pair_bytes);
    const bool done = pass.parallel_ranges(total, most, [&](std::size_t begin, std::size_t end, WorkerScratch& worker) {
        std::size_t first = 0;
        for (const Projection& p : projections) {
            const std::size_t next = first + n_pairs(p.w);
            if (begin < next && end > first) {
                const std::size_t row = (std::max(begin, first) - first) * kPairRows;
                const std::size_t n_rows =
                    std::min<std::size_t>((std::min(end, next) - first) * kPairRows, p.w.n_out) - row;
                multiply_tiles(pass, p.w, row / kTileRows, div_up(n_rows, kTileRows), panels, {0, n_tokens}, p.y + row,
                               p.y_stride, worker);
                if (p.bias != nullptr) add_bias(pass, p, row, n_rows, n_tokens);
            }
            first = next;
        }
    });
    pass.lap(part);
    return done;
}

bool linear(const Pass& pass, Part part, std::span<const Projection> projections, std::size_t n_in,
            std::size_t n_tokens, FunctionRef<const float*(std::size_t t)> make_row) noexcept {
    bool needs[2] = {};
    for (const Projection& p : projections) needs[static_cast<std::size_t>(activations_of(p.w))] = true;
    const bool packed = pass.for_inputs(n_tokens, [&](std::size_t t, WorkerScratch&) {
        const float* row = make_row(t);
        for (const Activations kind : {Activations::f32, Activations::q8}) {
            if (needs[static_cast<std::size_t>(kind)]) {
                pack_row(pass, kind, row, 0, n_in, n_in, t, n_tokens, pass.s.input);
            }
        }
        for (const Projection& p : projections) pass.observe(p.w, 0, n_in, row);
    });
    pass.lap(Part::norms);
    return packed && multiply(pass, part, projections, pass.s.input, n_tokens);
}

}  // namespace linnet
