// SPDX-License-Identifier: MIT
// linnet_engine: checking its options and making it in the host's memory.
#include "bindings/c/handles.hpp"
#include "bindings/c/structs.hpp"

namespace linnet::c_api {

namespace {

constexpr std::uint32_t kMaxThreads = 1024;

static_assert(static_cast<int>(LogLevel::debug) == LINNET_LOG_DEBUG);
static_assert(static_cast<int>(LogLevel::info) == LINNET_LOG_INFO);
static_assert(static_cast<int>(LogLevel::warning) == LINNET_LOG_WARNING);
static_assert(std::is_same_v<ParallelFor, linnet_parallel_for>);

// For the engine itself, which cannot lie in its own memory: the host's allocator without counting.
template <class T>
struct HostAllocator {
    using value_type = T;
    AllocatorHooks hooks;

    explicit HostAllocator(const AllocatorHooks& given) noexcept : hooks(given) {}
    template <class U>
    HostAllocator(const HostAllocator<U>& other) noexcept  // NOLINT: conversion is what allocators have
        : hooks(other.hooks) {}

    T* allocate(std::size_t n) {
        const std::size_t size = n * sizeof(T);
        void* ptr = hooks.alloc != nullptr ? hooks.alloc(hooks.user, size, alignof(T))
                                           : ::operator new(size, std::align_val_t(alignof(T)), std::nothrow);
        if (ptr == nullptr) throw Error(Status::out_of_memory, "out of memory: no room for the engine");
        return static_cast<T*>(ptr);
    }
    void deallocate(T* ptr, std::size_t n) noexcept {
        if (hooks.free != nullptr) {
            hooks.free(hooks.user, ptr, n * sizeof(T), alignof(T));
        } else {
            ::operator delete(ptr, std::align_val_t(alignof(T)));
        }
    }
    template <class U>
    bool operator==(const HostAllocator<U>& other) const noexcept {
        return hooks.user == other.hooks.user && hooks.alloc == other.hooks.alloc;
    }
};

EngineOptions engine_options(const linnet_engine_options* given) {
    const auto options = read_options(given);
    require(options.n_threads <= kMaxThreads, "linnet_engine_options: n_threads is {}, more than {}", options.n_threads,
            kMaxThreads);
    require((options.alloc == nullptr) == (options.free == nullptr),
            "linnet_engine_options: alloc and free must be given both or neither");
    require(options.isa == nullptr || *options.isa != '\0', "linnet_engine_options: isa is empty");
    EngineOptions result;
    result.n_threads = options.n_threads;
    result.allocator = {options.alloc_user, options.alloc, options.free};
    result.memory_limit = options.memory_limit;
    result.log = {options.log_user, options.log};
    result.parallel_for = options.parallel_for;
    result.parallel_user = options.parallel_user;
    result.isa = options.isa;
    return result;
}

}  // namespace

}  // namespace linnet::c_api

using namespace linnet;
using namespace linnet::c_api;

void linnet_engine_options_init(linnet_engine_options* options, uint32_t struct_size) {
    init_struct(options, struct_size);
}

linnet_status linnet_engine_create(const linnet_engine_options* options, linnet_engine** engine, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(engine, "engine");
        *engine = nullptr;
        const EngineOptions checked = engine_options(options);
        *engine =
            make_handle<linnet_engine>(std::allocate_shared<Engine>(HostAllocator<Engine>(checked.allocator), checked));
    });
}

void linnet_engine_destroy(linnet_engine* engine) { destroy_handle(engine); }

linnet_status linnet_engine_get_info(const linnet_engine* engine, linnet_engine_info* info, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(engine, "engine");
        require_output(info, "info");
        const Engine& inside = *engine->engine;
        linnet_engine_info result{};
        result.n_threads = inside.workers.size();
        result.isa = inside.kernels.isa;
        result.isas = engine->isas.c_str();
        result.memory_used = inside.memory.used();
        result.memory_peak = inside.memory.peak();
        result.n_allocations = inside.memory.n_allocations();
        write_struct(info, result);
    });
}
