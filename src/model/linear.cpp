// SPDX-License-Identifier: MIT
#include "model/linear.hpp"

namespace linnet {

namespace {

using kernels::Activations;
using kernels::kPanelTokens;
using kernels::kTileRows;

// Weights of one task: some stay in a core's second-level cache while all panels of tokens pass by.
constexpr std::size_t kTaskBytes = 96 * 1024;

std::size_t n_tiles(const Matrix& w) noexcept { return (w.n_out + kTileRows - 1) / kTileRows; }

std::size_t tiles_per_task(const Matrix& w) noexcept {
    return std::max<std::size_t>(1, kTaskBytes / kernels::tile_bytes(kernels::info(w.format), w.n_in));
}

std::size_t n_tasks(const Matrix& w) noexcept {
    const std::size_t step = tiles_per_task(w);
    return (n_tiles(w) + step - 1) / step;
}

void add_bias(const Pass& pass, const Projection& p, std::size_t row, std::size_t n, std::size_t n_tokens) noexcept {
    for (std::size_t t = 0; t < n_tokens; ++t) pass.kernels.add.fn(p.bias + row, n, p.y + t * p.y_stride + row);
}

}  // namespace

void pack_row(const Pass& pass, Activations kind, const float* values, std::size_t first, std::size_t n,
              std::size_t n_in, std::size_t t, std::size_t n_tokens, const Panels& panels) noexcept {
    const std::size_t panel = t / kPanelTokens;
    const std::size_t width = std::min(kPanelTokens, n_tokens - panel * kPanelTokens);
    std::byte* target = panels.of[static_cast<std::size_t>(kind)] +
                        kernels::activation_bytes(kind, n_in, panel * kPanelTokens) +
                        kernels::activation_bytes(kind, first, width);
    const auto& pack = kind == Activations::q8 ? pass.kernels.pack_q8 : pass.kernels.pack_f32;
    pack.fn(values, n, target, width, t % kPanelTokens);
}

void multiply_tiles(const Pass& pass, const Matrix& w, std::size_t first_tile, std::size_t n_tiles,
                    const Panels& panels, std::size_t n_tokens, float* y, std::size_t y_stride,
                    WorkerScratch& worker) noexcept {
    const kernels::FormatInfo& format = kernels::info(w.format);
    const auto index = static_cast<std::size_t>(w.format);
    const std::byte* x = panels.of[static_cast<std::size_t>(format.activations)];
    const std::size_t row = first_tile * kTileRows;
    if (!pass.weights.mapped()) {
        const std::size_t tile_bytes = kernels::tile_bytes(format, w.n_in);
        pass.kernels.matmul[index].fn({w.data + first_tile * tile_bytes, n_tiles,
                                       std::min(n_tiles * kTileRows, w.n_out - row), w.n_in, x, n_tokens, y, y_stride});
        return;
    }
    const std::size_t row_bytes = kernels::row_bytes(format, w.n_in);
    for (std::size_t i = 0; i < n_tiles; ++i) {
        const std::size_t first = row + i * kTileRows;
        const std::size_t rows = std::min<std::size_t>(kTileRows, w.n_out - first);
        pass.kernels.pack[index].fn({w.data + first * row_bytes, rows, w.n_in, worker.tile});
        pass.kernels.matmul[index].fn({worker.tile, 1, rows, w.n_in, x, n_tokens, y + i * kTileRows, y_stride});
    }
}

bool multiply(const Pass& pass, std::span<const Projection> projections, const Panels& panels,
              std::size_t n_tokens) noexcept {
    std::size_t total = 0;
    for (const Projection& p : projections) total += n_tasks(p.w);
    return pass.parallel(total, [&](std::size_t task, WorkerScratch& worker) {
        const Projection* p = projections.data();
        while (task >= n_tasks(p->w)) {
            task -= n_tasks(p->w);
            ++p;
        }
        const std::size_t first = task * tiles_per_task(p->w);
        const std::size_t n = std::min(tiles_per_task(p->w), n_tiles(p->w) - first);
        const std::size_t row = first * kTileRows;
        multiply_tiles(pass, p->w, first, n, panels, n_tokens, p->y + row, p->y_stride, worker);
        if (p->bias != nullptr) add_bias(pass, *p, row, std::min(n * kTileRows, p->w.n_out - row), n_tokens);
    });
}

bool linear(const Pass& pass, std::span<const Projection> projections, std::size_t n_in, std::size_t n_tokens,
            FunctionRef<const float*(std::size_t t)> make_row) noexcept {
    bool needs[2] = {};
    for (const Projection& p : projections) needs[static_cast<std::size_t>(activations_of(p.w))] = true;
    const bool packed = pass.for_tokens(n_tokens, [&](std::size_t t, WorkerScratch&) {
        const float* row = make_row(t);
        for (const Activations kind : {Activations::f32, Activations::q8}) {
            if (needs[static_cast<std::size_t>(kind)]) {
                pack_row(pass, kind, row, 0, n_in, n_in, t, n_tokens, pass.s.input);
            }
        }
    });
    return packed && multiply(pass, projections, pass.s.input, n_tokens);
}

}  // namespace linnet
