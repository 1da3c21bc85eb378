// SPDX-License-Identifier: MIT
// Loops of independent operations, enough of them in flight to fill the units: 12 or 16 chains for latencies of 4 to 5
// cycles at 2 to 4 operations a cycle. The instructions are written as such: what is measured is the CPU's, not the
// compiler's. Each loop is called only where the CPU has its instruction set.
#include "tools/limits.hpp"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tools {

namespace {

constexpr int kChains = 16;
constexpr std::size_t kBufferBytes = 256U << 20U;

// Runs n rounds and returns the operations done (bytes read).
using Loop = double (*)(std::uint64_t n, const std::byte* data, std::size_t size);

// Makes values unknown to the compiler, which then neither merges nor leaves out what made them.
#define LINNET_OPAQUE(value) __asm__ volatile("" : "+m"(value))

double f32_portable(std::uint64_t n, const std::byte*, std::size_t) {
    float sums[kChains] = {};
    for (std::uint64_t i = 0; i < n; ++i) {
        for (float& sum : sums) sum = sum * 0.5F + 1.0F;
    }
    LINNET_OPAQUE(sums);
    return static_cast<double>(n) * kChains * 2;
}

double int8_portable(std::uint64_t n, const std::byte*, std::size_t) {
    std::int32_t sums[kChains] = {};
    std::int8_t factors[kChains] = {};
    LINNET_OPAQUE(factors);
    for (std::uint64_t i = 0; i < n; ++i) {
        for (int j = 0; j < kChains; ++j) sums[j] += factors[j] * static_cast<std::int8_t>(i & 127U);
    }
    LINNET_OPAQUE(sums);
    return static_cast<double>(n) * kChains * 2;
}

// size: a multiple of 256.
template <class Vector>
inline __attribute__((always_inline)) double read(std::uint64_t n, const std::byte* data, std::size_t size) {
    Vector sums[8] = {};
    for (std::uint64_t round = 0; round < n; ++round) {
        for (std::size_t i = 0; i < size; i += sizeof sums) {
            Vector words[8];
            std::memcpy(words, data + i, sizeof words);
            for (int j = 0; j < 8; ++j) sums[j] ^= words[j];
        }
    }
    LINNET_OPAQUE(sums);
    return static_cast<double>(n) * static_cast<double>(size);
}

double read_portable(std::uint64_t n, const std::byte* data, std::size_t size) {
    return read<std::uint64_t>(n, data, size);
}

#if defined(__x86_64__)

using Vector256 = long long __attribute__((vector_size(32)));
using Vector512 = long long __attribute__((vector_size(64)));

__attribute__((target("avx2"))) double read_avx2(std::uint64_t n, const std::byte* data, std::size_t size) {
    return read<Vector256>(n, data, size);
}

// A loop in which each of n_chains registers %0 takes one `instruction` of n_operations a round; %1 is any value.
#define LINNET_LOOP(name, isa, Vector, n_chains, n_operations, instruction)                    \
    __attribute__((target(isa))) double name(std::uint64_t n, const std::byte*, std::size_t) { \
        Vector sums[n_chains] = {};                                                            \
        const Vector a = {};                                                                   \
        for (std::uint64_t i = 0; i < n; ++i) {                                                \
            _Pragma("GCC unroll 16") for (Vector & sum : sums) {                               \
                __asm__ volatile(instruction : "+x"(sum) : "x"(a) : "xmm15");                  \
            }                                                                                  \
        }                                                                                      \
        return static_cast<double>(n) * (n_chains) * (n_operations);                           \
    }

LINNET_LOOP(int8_avx512vnni, "avx512f,avx512vnni", Vector512, 12, 128, "vpdpbusd %1, %1, %0")
LINNET_LOOP(int8_avxvnni, "avx2", Vector256, 12, 64, "%{vex%} vpdpbusd %1, %1, %0")
LINNET_LOOP(int8_avx2, "avx2", Vector256, 12, 64,
            "vpmaddubsw %1, %1, %%ymm15\n\tvpmaddwd %1, %%ymm15, %%ymm15\n\tvpaddd %%ymm15, %0, %0")
LINNET_LOOP(f32_avx512, "avx512f", Vector512, 12, 32, "vfmadd231ps %1, %1, %0")
LINNET_LOOP(f32_avx2, "avx2,fma", Vector256, 12, 16, "vfmadd231ps %1, %1, %0")

bool has_avxvnni() {  // __builtin_cpu_supports does not know it in every compiler
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1U << 4U)) != 0;
}

#endif

struct Loops {
    Loop int8 = int8_portable;
    Loop f32 = f32_portable;
    Loop read = read_portable;
};

Loops choose_loops() {
    Loops loops;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        loops.read = read_avx2;
        loops.int8 = has_avxvnni() ? int8_avxvnni : int8_avx2;
        if (__builtin_cpu_supports("fma")) loops.f32 = f32_avx2;
    }
    if (__builtin_cpu_supports("avx512f")) loops.f32 = f32_avx512;
    if (__builtin_cpu_supports("avx512vnni")) loops.int8 = int8_avx512vnni;
#endif
    return loops;
}

// The best of several runs: all threads start together, and the time is that of the slowest.
double rate(std::uint32_t n_threads, Loop loop, std::uint64_t n, const std::byte* data, std::size_t size) {
    constexpr int kRuns = 5;
    using Clock = std::chrono::steady_clock;
    const std::size_t share = size / n_threads / 256 * 256;
    double best = 0;
    for (int run = 0; run < kRuns; ++run) {
        std::vector<double> amounts(n_threads);
        std::vector<Clock::time_point> ends(n_threads);
        std::vector<Clock::time_point> starts(n_threads);
        std::barrier start(static_cast<std::ptrdiff_t>(n_threads));
        const auto work = [&](std::uint32_t i) {
            start.arrive_and_wait();
            starts[i] = Clock::now();
            amounts[i] = loop(n, data + i * share, share);
            ends[i] = Clock::now();
        };
        {
            std::vector<std::jthread> threads;
            for (std::uint32_t i = 1; i < n_threads; ++i) threads.emplace_back(work, i);
            work(0);
        }
        double total = 0;
        for (const double amount : amounts) total += amount;
        const auto begin = *std::min_element(starts.begin(), starts.end());
        const auto end = *std::max_element(ends.begin(), ends.end());
        best = std::max(best, total / std::chrono::duration<double>(end - begin).count());
    }
    return best;
}

// Rounds of a loop that take about 50 ms.
std::uint64_t calibrate(Loop loop) {
    using Clock = std::chrono::steady_clock;
    for (std::uint64_t n = 1024;; n *= 2) {
        const auto start = Clock::now();
        loop(n, nullptr, 0);
        if (Clock::now() - start > std::chrono::milliseconds(40)) return n;
    }
}

}  // namespace

Limits measure_limits(std::uint32_t n_threads) {
    const Loops loops = choose_loops();
    Limits limits{};
    limits.int8_ops = rate(n_threads, loops.int8, calibrate(loops.int8), nullptr, 0);
    limits.f32_ops = rate(n_threads, loops.f32, calibrate(loops.f32), nullptr, 0);
    // Written, so that its pages exist and are not all the same one.
    const auto buffer = std::make_unique<std::byte[]>(kBufferBytes);
    std::memset(buffer.get(), 1, kBufferBytes);
    limits.read_bytes = rate(n_threads, loops.read, 1, buffer.get(), kBufferBytes);
    return limits;
}

}  // namespace tools
