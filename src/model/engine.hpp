// SPDX-License-Identifier: MIT
// What models and sessions live in: memory, log, threads and the kernels of one instruction set.
#pragma once

#include <string>

#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/workers.hpp"
#include "kernels/api/table.hpp"

namespace linnet {

// Space-separated: what this library and CPU have, best first.
std::string isa_names();

struct EngineOptions {
    std::uint32_t n_threads = 0;  // 0: the cores this process may use
    AllocatorHooks allocator;
    std::uint64_t memory_limit = 0;
    Log log;
    ParallelFor parallel_for = nullptr;
    void* parallel_user = nullptr;
    const char* isa = nullptr;  // null: the best of this CPU
};

struct Engine {
    // Throws Error(unsupported) for an isa that the library or the CPU lacks, naming those it has.
    explicit Engine(const EngineOptions& options);

    Memory memory;  // first member: outlives all that is allocated from it
    Log log;
    const kernels::Table kernels;
    Workers workers;
};

}  // namespace linnet
