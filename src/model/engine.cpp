// SPDX-License-Identifier: MIT
#include "model/engine.hpp"

#include <sched.h>

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace linnet {

namespace {

constexpr std::uint32_t kMaxThreads = 256;

std::uint32_t usable_cores() noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return static_cast<std::uint32_t>(std::clamp(CPU_COUNT(&set), 1, static_cast<int>(kMaxThreads)));
}

std::uint32_t checked_threads(std::uint32_t n_threads) {
    if (n_threads > kMaxThreads) {
        throw Error(Status::invalid_argument, "n_threads is {}, more than {}", n_threads, kMaxThreads);
    }
    return n_threads != 0 ? n_threads : usable_cores();
}

kernels::Table choose_kernels(const char* isa) {
    kernels::Table table;
    if (!kernels::make_table(isa != nullptr ? isa : "", table)) {
        throw Error(Status::unsupported, "isa '{}' is not available; this library and CPU have: {}", isa, isa_names());
    }
    return table;
}

}  // namespace

std::string isa_names() {
    const kernels::IsaList list = kernels::available_isas();
    std::string names;
    for (std::size_t i = 0; i < list.n; ++i) {
        if (i > 0) names += ' ';
        names += list.names[i];
    }
    return names;
}

Engine::Engine(const EngineOptions& options)
    : memory(options.allocator, options.memory_limit),
      log(options.log),
      kernels(choose_kernels(options.isa)),
      workers(checked_threads(options.n_threads), options.parallel_for, options.parallel_user, memory) {}

}  // namespace linnet
