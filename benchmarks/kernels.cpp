// SPDX-License-Identifier: MIT
// Every kernel of every table that takes time; its label is the instruction set that provides it.
// matmul/FORMAT/ISA/KIND/TOKENS, where weights lie in the second-level cache (cached), are a whole matrix of a model
// (square: prefill; one token reads it from the last cache) or lie far beyond the last cache (streamed: decode).
// Counters: GB/s of weights, and the share of this core's own limits, which are measured first with the tool's probes
// (int8 dot products for quantised formats, f32 multiply-adds for float ones).
// pack/FORMAT/ISA: GB/s of weights read, in the second-level cache.
// pack_q8/ISA, silu_mul/ISA: values per second.
// attention/KV FORMAT/ISA/HEAD_DIM/COLUMNS: GFLOPS of one span, whose keys and values stay in the second-level cache.
//
//     build/release/bench_kernels --benchmark_filter='matmul/q4_k/.*'
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/api/table.hpp"
#include "tools/limits.hpp"

namespace {

using namespace linnet::kernels;

constexpr std::size_t kWidth = 2048;                 // n_in
constexpr std::size_t kCached = 16;                  // tiles
constexpr std::size_t kSquare = kWidth / kTileRows;  // tiles
constexpr std::size_t kStreamed = 16384;             // tiles: 105 MB (IQ1_S) and more
constexpr std::size_t kTokens[] = {1, 2, 4, 8, 16};
constexpr std::size_t kSquareTokens[] = {1, 240, 512};
constexpr std::size_t kHeadDims[] = {64, 128, 256};
constexpr std::size_t kColumns[] = {1, 4, 16, 64};  // queries: heads that share a KV head, times tokens

// Memory as the runtime lays it out: from a cache line on.
template <class T>
class Aligned {
  public:
    explicit Aligned(std::size_t n) : lines_((n * sizeof(T) + sizeof(Line) - 1) / sizeof(Line)) {}
    T* data() { return reinterpret_cast<T*>(lines_.data()); }

  private:
    struct alignas(64) Line {
        std::byte bytes[64];
    };
    std::vector<Line> lines_;
};

struct Problem {
    std::size_t n_bytes;  // of weights
    Aligned<std::byte> weights;
    Aligned<std::byte> x;
    Aligned<float> y;
    Aligned<std::byte> scratch;
    MatmulArgs args;

    Problem(const Table& table, const FormatInfo& format, std::size_t n_tiles, std::size_t n_tokens)
        : n_bytes(n_tiles * tile_bytes(format, kWidth)),
          weights(n_bytes),
          x(activation_bytes(format.activations, kWidth, n_tokens)),
          y(n_tiles * kTileRows * n_tokens),
          scratch(kMatmulScratch),
          args{weights.data(), n_tiles,  n_tiles * kTileRows, kWidth,        x.data(),
               n_tokens,       y.data(), n_tiles * kTileRows, scratch.data()} {
        std::mt19937 random(1);
        std::vector<std::uint32_t> pattern(1U << 18U);
        // As any float finite, and no scale so small that products are subnormal, which take far longer.
        for (auto& bits : pattern) bits = (static_cast<std::uint32_t>(random()) & 0x1b1b1b1bU) | 0x20202020U;
        for (std::size_t i = 0; i < n_bytes; i += 4 * pattern.size()) {
            std::memcpy(weights.data() + i, pattern.data(), std::min(4 * pattern.size(), n_bytes - i));
        }
        std::vector<float> row(kWidth);
        for (float& value : row) value = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
        const auto& pack = format.activations == Activations::q8 ? table.pack_q8 : table.pack_f32;
        for (std::size_t t = 0; t < n_tokens; ++t) pack.fn(row.data(), kWidth, x.data(), n_tokens, t);
    }
};

void matmul(benchmark::State& state, const Table& table, const FormatInfo& format, std::size_t n_tiles,
            std::size_t n_tokens, const tools::Limits& limits) {
    const Problem problem(table, format, n_tiles, n_tokens);
    const auto& slot = table.matmul[static_cast<std::size_t>(format.format)];
    for (auto _ : state) {
        slot.fn(problem.args);
        benchmark::ClobberMemory();
    }
    const double n = static_cast<double>(state.iterations());
    const double bytes = n * static_cast<double>(problem.n_bytes);
    const double ops = n * 2.0 * static_cast<double>(n_tiles * kTileRows * kWidth * n_tokens);
    const double peak = format.activations == Activations::q8 ? limits.int8_ops : limits.f32_ops;
    using benchmark::Counter;
    state.counters["GB/s"] = Counter(bytes / 1e9, Counter::kIsRate);
    state.counters["of_rate"] = Counter(ops / peak, Counter::kIsRate);
    state.counters["of_read"] = Counter(bytes / limits.read_bytes, Counter::kIsRate);
    state.SetLabel(slot.isa);
}

void pack(benchmark::State& state, const Table& table, const FormatInfo& format) {
    Problem problem(table, format, kCached, 1);  // any bytes will do as rows
    std::vector<std::byte> tiles(problem.n_bytes);
    const auto& slot = table.pack[static_cast<std::size_t>(format.format)];
    const std::size_t bytes = tile_bytes(format, kWidth);
    for (auto _ : state) {
        for (std::size_t i = 0; i < kCached; ++i) {
            slot.fn({problem.weights.data() + i * bytes, kTileRows, kWidth, tiles.data() + i * bytes});
        }
        benchmark::ClobberMemory();
    }
    using benchmark::Counter;
    state.counters["GB/s"] =
        Counter(static_cast<double>(state.iterations()) * static_cast<double>(tiles.size()) / 1e9, Counter::kIsRate);
    state.SetLabel(slot.isa);
}

// Rows as the runtime has them: a task's rows of a hidden layer, activated and quantised at once.
void elementwise(benchmark::State& state, const Table& table, bool activated) {
    constexpr std::size_t kWidthOfTask = 128;
    constexpr std::size_t kRowsOfTask = 100;
    Aligned<float> x(kWidthOfTask * kRowsOfTask);
    std::mt19937 random(1);
    for (std::size_t i = 0; i < kWidthOfTask * kRowsOfTask; ++i) {
        x.data()[i] = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
    }
    Aligned<float> y(kWidthOfTask);
    Aligned<std::byte> panel(activation_bytes(Activations::q8, kWidthOfTask, 5));
    for (auto _ : state) {
        for (std::size_t i = 0; i < kRowsOfTask; ++i) {
            const float* row = x.data() + i * kWidthOfTask;
            if (activated) {
                table.silu_mul.fn(row, row, kWidthOfTask, y.data());
            } else {
                table.pack_q8.fn(row, kWidthOfTask, panel.data(), 5, i % 5);
            }
        }
        benchmark::ClobberMemory();
    }
    using benchmark::Counter;
    state.counters["values/s"] = Counter(
        static_cast<double>(state.iterations()) * static_cast<double>(kWidthOfTask * kRowsOfTask), Counter::kIsRate);
    state.SetLabel(activated ? table.silu_mul.isa : table.pack_q8.isa);
}

constexpr const char* kKvNames[] = {"f16", "f32", "q8"};  // in the order of KvFormat

void attention(benchmark::State& state, const Table& table, KvFormat format, std::size_t head_dim,
               std::size_t n_columns) {
    Aligned<std::byte> keys(key_bytes(format, head_dim, kKeySpan));
    Aligned<std::byte> values(value_bytes(format, head_dim, kKeySpan));
    const KvHead kv = {keys.data(), values.data(), kKeySpan, head_dim};
    std::mt19937 random(1);
    const auto fill = [&](float* x, std::size_t n, float scale) {
        for (std::size_t i = 0; i < n; ++i) x[i] = (static_cast<float>(random() % 2001) / 1000.0F - 1.0F) * scale;
    };
    Aligned<float> row(2 * head_dim);
    for (std::size_t pos = 0; pos < kKeySpan; ++pos) {
        fill(row.data(), 2 * head_dim, 1.0F);
        table.store_kv[static_cast<std::size_t>(format)].fn(kv, static_cast<std::int64_t>(pos), row.data(),
                                                            row.data() + head_dim);
    }
    Aligned<float> q(n_columns * head_dim);
    fill(q.data(), n_columns * head_dim, 1.0F / std::sqrt(static_cast<float>(head_dim)));
    const std::vector<std::int64_t> first(n_columns, 0);
    const std::vector<std::int64_t> last(n_columns, kKeySpan - 1);
    Aligned<float> m(n_columns);
    Aligned<float> l(n_columns * kTileRows);
    Aligned<float> o(n_columns * head_dim);
    Aligned<float> scores(n_columns * kKeyTile);
    Aligned<std::byte> panel(activation_bytes(Activations::q8, head_dim, n_columns));
    const AttentionArgs args = {kv,       q.data(), n_columns, first.data(), last.data(),   0,
                                kKeySpan, m.data(), l.data(),  o.data(),     scores.data(), panel.data()};
    const auto& slot = table.attention[static_cast<std::size_t>(format)];
    for (auto _ : state) {
        slot.fn(args);
        benchmark::ClobberMemory();
    }
    // A key's dot product and its share of the values: two multiply-adds for each of its dimensions.
    const double ops = 4.0 * static_cast<double>(kKeySpan * head_dim * n_columns);
    using benchmark::Counter;
    state.counters["GFLOPS"] = Counter(static_cast<double>(state.iterations()) * ops / 1e9, Counter::kIsRate);
    state.SetLabel(slot.isa);
}

void register_attention(const Table& table) {
    for (std::size_t f = 0; f < kKvFormats; ++f) {
        for (const std::size_t head_dim : kHeadDims) {
            for (const std::size_t n_columns : kColumns) {
                const std::string name = std::string("attention/") + kKvNames[f] + "/" + table.isa + "/" +
                                         std::to_string(head_dim) + "/" + std::to_string(n_columns);
                benchmark::RegisterBenchmark(name.c_str(), attention, table, static_cast<KvFormat>(f), head_dim,
                                             n_columns);
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    const tools::Limits limits = tools::measure_limits(1);
    const IsaList isas = available_isas();
    std::vector<Table> tables(isas.n);
    for (std::size_t i = 0; i < isas.n; ++i) {
        make_table(isas.names[i], tables[i]);
        register_attention(tables[i]);
        for (const bool activated : {false, true}) {
            const std::string name = std::string(activated ? "silu_mul/" : "pack_q8/") + isas.names[i];
            benchmark::RegisterBenchmark(name.c_str(), elementwise, tables[i], activated);
        }
        for (std::size_t f = 0; f < kFormats; ++f) {
            const FormatInfo& format = info(static_cast<Format>(f));
            const std::string name = std::string("matmul/") + format.name + "/" + isas.names[i];
            for (const std::size_t n : kTokens) {
                benchmark::RegisterBenchmark((name + "/cached/" + std::to_string(n)).c_str(), matmul, tables[i], format,
                                             kCached, n, limits);
            }
            for (const std::size_t n : kSquareTokens) {
                benchmark::RegisterBenchmark((name + "/square/" + std::to_string(n)).c_str(), matmul, tables[i], format,
                                             kSquare, n, limits);
            }
            benchmark::RegisterBenchmark((std::string("pack/") + format.name + "/" + isas.names[i]).c_str(), pack,
                                         tables[i], format);
            benchmark::RegisterBenchmark((name + "/streamed/1").c_str(), matmul, tables[i], format, kStreamed,
                                         std::size_t{1}, limits);
        }
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
