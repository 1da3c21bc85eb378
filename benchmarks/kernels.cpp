// SPDX-License-Identifier: MIT
// Every kernel of every table: format x instruction set x number of tokens. Weights lie in the second-level cache
// (prefill) or far beyond the last one (decode). Counters: GB/s of weights, and the share of this core's own limits,
// which are measured first with the tool's probes (int8 dot products for quantised formats, f32 multiply-adds for float
// ones).
//
//     build/release/bench_kernels --benchmark_filter='matmul/q4_k/.*'
#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/api/table.hpp"
#include "tools/limits.hpp"

namespace {

using namespace linnet::kernels;

constexpr std::size_t kWidth = 2048;      // n_in
constexpr std::size_t kCached = 16;       // tiles
constexpr std::size_t kStreamed = 16384;  // tiles: 300 MB and more

struct Problem {
    std::vector<std::byte> weights;
    std::vector<std::byte> x;
    std::vector<float> y;
    std::vector<std::byte> scratch;
    MatmulArgs args;

    Problem(const Table& table, const FormatInfo& format, std::size_t n_tiles, std::size_t n_tokens)
        : weights(n_tiles * tile_bytes(format, kWidth)),
          x(activation_bytes(format.activations, kWidth, n_tokens)),
          y(n_tiles * kTileRows * n_tokens),
          scratch(kMatmulScratch),
          args{weights.data(), n_tiles,  n_tiles * kTileRows, kWidth,        x.data(),
               n_tokens,       y.data(), n_tiles * kTileRows, scratch.data()} {
        std::mt19937 random(1);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            if (i % 4 == 0) bits = static_cast<std::uint32_t>(random());
            weights[i] = static_cast<std::byte>((bits >> (i % 4 * 8)) & 0x3bU);  // finite as any float
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
    const auto fn = table.matmul[static_cast<std::size_t>(format.format)].fn;
    for (auto _ : state) {
        fn(problem.args);
        benchmark::ClobberMemory();
    }
    const double n = static_cast<double>(state.iterations());
    const double bytes = n * static_cast<double>(problem.weights.size());
    const double ops = n * 2.0 * static_cast<double>(n_tiles * kTileRows * kWidth * n_tokens);
    const double peak = format.activations == Activations::q8 ? limits.int8_ops : limits.f32_ops;
    using benchmark::Counter;
    state.counters["GB/s"] = Counter(bytes / 1e9, Counter::kIsRate);
    state.counters["of_rate"] = Counter(ops / peak, Counter::kIsRate);
    state.counters["of_read"] = Counter(bytes / limits.read_bytes, Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    const tools::Limits limits = tools::measure_limits(1);
    const IsaList isas = available_isas();
    std::vector<Table> tables(isas.n);
    for (std::size_t i = 0; i < isas.n; ++i) {
        make_table(isas.names[i], tables[i]);
        for (std::size_t f = 0; f < kFormats; ++f) {
            const FormatInfo& format = info(static_cast<Format>(f));
            const std::string name = std::string("matmul/") + format.name + "/" + isas.names[i];
            for (const std::size_t n : {1, 2, 4, 8, 16}) {
                benchmark::RegisterBenchmark((name + "/cached/" + std::to_string(n)).c_str(), matmul, tables[i], format,
                                             kCached, n, limits);
            }
            benchmark::RegisterBenchmark((name + "/streamed/1").c_str(), matmul, tables[i], format, kStreamed,
                                         std::size_t{1}, limits);
        }
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
