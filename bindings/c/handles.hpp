// SPDX-License-Identifier: MIT
// What the opaque handles are. A handle shares its object with the children made from it (session -> model -> engine,
// sampler -> model, grammar -> model, session -> sampler and grammar), so that handles may be destroyed in any order;
// whoever is last releases. Handles and objects lie in the engine's memory, and the engine is kept until the last of
// them has been given back.
#pragma once

#include <atomic>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/c/guard.hpp"
#include "constrain/grammar.hpp"
#include "constrain/token_trie.hpp"
#include "model/engine.hpp"
#include "model/model.hpp"
#include "sampling/sampler.hpp"
#include "session/session.hpp"

namespace linnet::c_api {

// For std::allocate_shared: memory which stays until the block itself has been returned to it. (The engine must not go
// with the object: the object's block is freed after the object's destructor.)
template <class T>
struct MemoryAllocator {
    using value_type = T;
    std::shared_ptr<Memory> memory;

    explicit MemoryAllocator(std::shared_ptr<Memory> resource) noexcept : memory(std::move(resource)) {}
    template <class U>
    MemoryAllocator(const MemoryAllocator<U>& other) noexcept  // NOLINT: conversion is what allocators have
        : memory(other.memory) {}
    MemoryAllocator(const MemoryAllocator&) noexcept = default;  // no move: it would leave an empty allocator behind
    MemoryAllocator& operator=(const MemoryAllocator&) noexcept = default;
    ~MemoryAllocator() = default;

    T* allocate(std::size_t n) { return static_cast<T*>(memory->allocate(n * sizeof(T), alignof(T))); }
    void deallocate(T* ptr, std::size_t n) noexcept { memory->deallocate(ptr, n * sizeof(T), alignof(T)); }
    template <class U>
    bool operator==(const MemoryAllocator<U>& other) const noexcept {
        return memory == other.memory;
    }
};

inline std::shared_ptr<Memory> memory_of(const std::shared_ptr<Engine>& engine) { return {engine, &engine->memory}; }

template <class T, class... Args>
std::shared_ptr<T> make_shared_in(const std::shared_ptr<Engine>& engine, Args&&... args) {
    return std::allocate_shared<T>(MemoryAllocator<T>(memory_of(engine)), std::forward<Args>(args)...);
}

// Bytes that make_shared_in takes for a T besides what its constructor takes.
template <class T>
std::uint64_t shared_size() {
    struct Blank {
        alignas(T) std::byte bytes[sizeof(T)];
    };
    Memory counting;
    const MemoryAllocator<Blank> allocator(std::shared_ptr<Memory>(std::shared_ptr<Memory>(), &counting));
    const auto blank = std::allocate_shared<Blank>(allocator);
    return counting.used();
}

// Handles: T's first member is `std::shared_ptr<Engine> engine`.
template <class T, class... Args>
T* make_handle(const std::shared_ptr<Engine>& engine, Args&&... args) {
    MemoryAllocator<T> allocator(memory_of(engine));
    T* handle = allocator.allocate(1);
    try {
        return ::new (static_cast<void*>(handle)) T(engine, std::forward<Args>(args)...);
    } catch (...) {
        allocator.deallocate(handle, 1);
        throw;
    }
}

template <class T>
void destroy_handle(T* handle) noexcept {
    if (handle == nullptr) return;
    MemoryAllocator<T> allocator(memory_of(handle->engine));
    handle->~T();
    allocator.deallocate(handle, 1);
}

// A host's linnet_source, or its buffer, as the Source layer wants it called.
struct HostBytes {
    std::uint64_t size;
    std::int32_t (*read_at)(void* user, std::uint64_t offset, void* target, std::size_t size);
    const std::byte* data;
    void* user;
};

// Texts of linnet_model_info, terminated.
struct ModelTexts {
    ModelTexts(const gguf::File& file, Memory& memory);
    std::pmr::string architecture;
    std::pmr::string name;
    std::string_view format;
};

// A model together with what its file reads from and what its info points to.
struct LoadedModel {
    LoadedModel(std::shared_ptr<Engine> engine, std::pmr::vector<HostBytes> host_bytes, gguf::File file,
                const LoadOptions& options)
        : hosts(std::move(host_bytes)),
          texts(file, engine->memory),
          model(std::move(engine), std::move(file), options) {}

    // The vocabulary as constraints want it: made for the first one, kept for the others.
    std::shared_ptr<const constrain::TokenTrie> trie() const;

    std::pmr::vector<HostBytes> hosts;  // the model's sources point to its elements
    ModelTexts texts;
    Model model;

  private:
    mutable std::mutex trie_mutex_;
    mutable std::optional<constrain::TokenTrie> trie_;
};

struct SharedGrammar {
    SharedGrammar(std::shared_ptr<const LoadedModel> of, constrain::Grammar compiled, std::pmr::string before)
        : model(std::move(of)), grammar(std::move(compiled)), opening(std::move(before)) {}
    std::shared_ptr<const LoadedModel> model;
    constrain::Grammar grammar;
    std::pmr::string opening;  // of tool calls: what comes before the grammar's text
};

// A sampler belongs to at most one session (`owner`) and is used by one call at a time (`entered`).
struct SharedSampler {
    SharedSampler(std::shared_ptr<const LoadedModel> of, const SamplerOptions& options, Memory& memory)
        : model(std::move(of)), sampler(model->model.spec().n_vocab, options, memory) {}

    std::shared_ptr<const LoadedModel> model;
    Sampler sampler;
    std::atomic<bool> entered{false};
    std::atomic<const void*> owner{nullptr};
};

// The arguments of loading and of sessions as the layers inside take them; both refuse what is out of range.
struct ModelArguments {
    LoadOptions load;
    bool map;
};
ModelArguments model_arguments(const linnet_model_options* given);
PassShape pass_shape(const linnet_session_options* given);

// What a model handle and a session handle take from the engine's memory besides what Model and Session take.
std::uint64_t model_overhead(const gguf::File& file);
std::uint64_t session_overhead();

}  // namespace linnet::c_api

struct linnet_engine {
    explicit linnet_engine(std::shared_ptr<linnet::Engine> shared)
        : engine(std::move(shared)), isas(linnet::isa_names(), &engine->memory) {}
    std::shared_ptr<linnet::Engine> engine;
    std::pmr::string isas;  // for linnet_engine_info
};

struct linnet_model {
    linnet_model(std::shared_ptr<linnet::Engine> shared, std::shared_ptr<const linnet::c_api::LoadedModel> model)
        : engine(std::move(shared)), loaded(std::move(model)) {}
    std::shared_ptr<linnet::Engine> engine;
    std::shared_ptr<const linnet::c_api::LoadedModel> loaded;
};

struct linnet_sampler {
    linnet_sampler(std::shared_ptr<linnet::Engine> owner, std::shared_ptr<linnet::c_api::SharedSampler> sampler)
        : engine(std::move(owner)), shared(std::move(sampler)) {}
    std::shared_ptr<linnet::Engine> engine;
    std::shared_ptr<linnet::c_api::SharedSampler> shared;
};

struct linnet_grammar {
    linnet_grammar(std::shared_ptr<linnet::Engine> owner, std::shared_ptr<const linnet::c_api::SharedGrammar> grammar)
        : engine(std::move(owner)), shared(std::move(grammar)) {}
    std::shared_ptr<linnet::Engine> engine;
    std::shared_ptr<const linnet::c_api::SharedGrammar> shared;
};

struct linnet_session {
    linnet_session(std::shared_ptr<linnet::Engine> owner, std::shared_ptr<const linnet::c_api::LoadedModel> model,
                   const linnet::PassShape& shape)
        : engine(std::move(owner)),
          loaded(std::move(model)),
          session(std::shared_ptr<const linnet::Model>(loaded, &loaded->model), shape) {}
    ~linnet_session() {
        if (sampler != nullptr) sampler->owner.store(nullptr, std::memory_order_release);
    }
    std::shared_ptr<linnet::Engine> engine;
    std::shared_ptr<const linnet::c_api::LoadedModel> loaded;
    linnet::Session session;
    std::shared_ptr<linnet::c_api::SharedSampler> sampler;
    mutable std::atomic<bool> entered{false};
};
