// SPDX-License-Identifier: MIT
// The threads that one engine computes with: its own, which sleep between steps, or the host's job system.
#pragma once

#include <cstdint>
#include <memory>

#include "base/memory.hpp"

namespace linnet {

// A reference to a callable for the duration of a call; never owns, never allocates.
template <class Signature>
class FunctionRef;

template <class Result, class... Args>
class FunctionRef<Result(Args...)> {
  public:
    template <class F>
    FunctionRef(F& callable) noexcept  // NOLINT: implicit on purpose, as for std::function_ref
        : object_(const_cast<void*>(static_cast<const void*>(&callable))),
          call_([](void* object, Args... args) -> Result { return (*static_cast<F*>(object))(args...); }) {}
    Result operator()(Args... args) const { return call_(object_, args...); }

  private:
    void* object_;
    Result (*call_)(void*, Args...);
};

// Same signature as linnet_parallel_for.
using ParallelFor = void (*)(void* user, void (*task)(void* arg, std::uint32_t index), void* arg, std::uint32_t n);

class Workers {
  public:
    // n_threads >= 1, the caller included. With parallel_for no thread is started.
    // Throws Error(out_of_memory) when a thread cannot be started.
    Workers(std::uint32_t n_threads, ParallelFor parallel_for, void* user, Memory& memory);
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    std::uint32_t size() const noexcept { return n_threads_; }

    // Calls work(i) once for each i in [0, n), n <= size(), at the same time where threads allow, and returns when all
    // have returned. `work` must be noexcept in effect and must not wait for another index. i identifies scratch that
    // is used by one thread at a time. Calls from several threads (sessions) take turns.
    // Every call of work runs with the default floating-point environment (round to nearest, denormals kept), whatever
    // the host has set, and gives the host's back.
    void run(std::uint32_t n, FunctionRef<void(std::uint32_t)> work) noexcept;

  private:
    struct Pool;
    struct PoolDeleter {
        Memory* memory;
        void operator()(Pool* pool) const noexcept;
    };
    std::uint32_t n_threads_;
    ParallelFor parallel_for_;
    void* user_;
    std::unique_ptr<Pool, PoolDeleter> pool_;
};

// The default floating-point environment for the current thread and scope: hosts such as game engines flush
// denormals or change rounding, which would change results.
class FloatEnvironment {
  public:
    FloatEnvironment() noexcept;
    ~FloatEnvironment();
    FloatEnvironment(const FloatEnvironment&) = delete;
    FloatEnvironment& operator=(const FloatEnvironment&) = delete;

  private:
    std::uint64_t saved_;
};

}  // namespace linnet
