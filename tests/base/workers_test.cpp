// SPDX-License-Identifier: MIT
// The thread pool: every index once, callers that take turns, sleep when idle, floating-point environment.
#include "base/workers.hpp"

#include <atomic>
#include <cfenv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sys/resource.h>

#include <doctest/doctest.h>

#include "base/error.hpp"

using linnet::Memory;
using linnet::Workers;

namespace {

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Runs tasks last to first on the calling thread, counting calls.
void backwards(void* user, void (*task)(void* arg, std::uint32_t index), void* arg, std::uint32_t n) {
    ++*static_cast<std::uint32_t*>(user);
    for (std::uint32_t i = n; i-- > 0;) task(arg, i);
}

// The value that flushing of denormals would turn into zero.
bool denormals_kept() {
    volatile float least = std::numeric_limits<float>::min();
    return least / 4.0F != 0.0F;
}

}  // namespace

TEST_CASE("every index runs exactly once, whatever the number of threads") {
    for (const std::uint32_t n_threads : {1U, 2U, 3U, 5U, 9U}) {
        CAPTURE(n_threads);
        Memory memory;
        Workers workers(n_threads, nullptr, nullptr, memory);
        REQUIRE(workers.size() == n_threads);
        std::vector<std::uint32_t> counts(n_threads, 0);  // not atomic: an index is one thread's at a time
        std::uint32_t n_runs = 0;
        for (std::uint32_t repeat = 0; repeat < 400; ++repeat) {
            const std::uint32_t n = repeat % (n_threads + 1);
            auto work = [&](std::uint32_t i) { ++counts[i]; };
            workers.run(n, work);
            n_runs += n == n_threads ? 1 : 0;
        }
        CHECK(counts.back() == n_runs);
        for (std::uint32_t i = 0; i < n_threads; ++i) {
            std::uint32_t expected = 0;
            for (std::uint32_t repeat = 0; repeat < 400; ++repeat) expected += repeat % (n_threads + 1) > i ? 1 : 0;
            CHECK(counts[i] == expected);
        }
    }
}

TEST_CASE("runs work after the threads have parked") {
    Memory memory;
    Workers workers(4, nullptr, nullptr, memory);
    for (int repeat = 0; repeat < 20; ++repeat) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        std::atomic<std::uint32_t> sum{0};
        auto work = [&](std::uint32_t i) { sum += 1U << (8 * i); };
        workers.run(4, work);
        CHECK(sum == 0x01010101U);
    }
}

TEST_CASE("the caller waits for work that takes longer than it spins") {
    Memory memory;
    Workers workers(3, nullptr, nullptr, memory);
    for (int repeat = 0; repeat < 5; ++repeat) {
        std::atomic<std::uint32_t> n_done{0};
        auto work = [&](std::uint32_t i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1 + 2 * i));
            ++n_done;
        };
        workers.run(3, work);
        CHECK(n_done == 3);
    }
}

TEST_CASE("work of one run is spread over threads") {
    Memory memory;
    Workers workers(2, nullptr, nullptr, memory);
    // The caller's index lasts long enough for the other thread to be scheduled on any machine.
    std::thread::id ids[2];
    auto work = [&](std::uint32_t i) {
        ids[i] = std::this_thread::get_id();
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    };
    workers.run(2, work);
    CHECK(ids[0] == std::this_thread::get_id());
    CHECK(ids[1] != ids[0]);
}

TEST_CASE("callers on several threads take turns and all get on") {
    Memory memory;
    Workers workers(3, nullptr, nullptr, memory);
    std::uint32_t in_use[3] = {0, 0, 0};  // not atomic: ThreadSanitizer sees two runs at once
    std::atomic<std::uint32_t> n_wrong{0};
    std::vector<std::thread> callers;
    for (std::uint32_t caller = 1; caller <= 4; ++caller) {
        callers.emplace_back([&, caller] {
            for (int repeat = 0; repeat < 300; ++repeat) {
                std::uint32_t mine[3] = {0, 0, 0};
                auto work = [&](std::uint32_t i) {
                    in_use[i] = caller;
                    mine[i] += caller;
                    if (in_use[i] != caller) ++n_wrong;
                };
                workers.run(3, work);
                for (const std::uint32_t value : mine) n_wrong += value == caller ? 0 : 1;
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(n_wrong == 0);
}

TEST_CASE("the host's parallel_for takes the place of threads") {
    Memory memory;
    std::uint32_t n_calls = 0;
    Workers workers(4, backwards, &n_calls, memory);
    CHECK(memory.used() == 0);
    std::vector<std::uint32_t> order;
    auto work = [&](std::uint32_t i) { order.push_back(i); };
    workers.run(4, work);
    CHECK(order == std::vector<std::uint32_t>{3, 2, 1, 0});
    CHECK(n_calls == 1);
    workers.run(1, work);
    CHECK(n_calls == 1);  // a single index does not bother the host
    CHECK(order.back() == 0);
    CHECK(order.size() == 5);
}

TEST_CASE("idle threads cost no CPU time") {
    Memory memory;
    Workers workers(4, nullptr, nullptr, memory);
    std::atomic<std::uint32_t> n{0};
    auto work = [&](std::uint32_t) { ++n; };
    for (int repeat = 0; repeat < 100; ++repeat) workers.run(4, work);
    CHECK(n == 400);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // longer than the spin after a run
    const double start = cpu_seconds();
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    while (std::chrono::steady_clock::now() < until) ++n;
    const double before = cpu_seconds();
    CHECK(before - start > 0.02);  // the clock does count this process's work
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    CHECK(cpu_seconds() - before < 0.01);
}

TEST_CASE("work runs in the default floating-point environment and the host's is given back") {
    Memory memory;
    std::uint32_t n_calls = 0;
    Workers pool(3, nullptr, nullptr, memory);
    Workers host(3, backwards, &n_calls, memory);
    REQUIRE(std::fesetround(FE_UPWARD) == 0);
#if defined(__x86_64__)
    const unsigned saved = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(saved | 0x8040U);  // flush to zero, denormals are zero
    REQUIRE_FALSE(denormals_kept());
#endif
    std::atomic<std::uint32_t> n_wrong{0};
    auto work = [&](std::uint32_t) {
        if (std::fegetround() != FE_TONEAREST && n_wrong.load() < 1000) {
            // fegetround may look at a second unit that the library does not compute with: ask the arithmetic.
            volatile float one = 1.0F;
            if (one + 1e-9F != 1.0F) ++n_wrong;
        }
        if (!denormals_kept()) ++n_wrong;
    };
    for (Workers* workers : {&pool, &host}) {
        workers->run(3, work);
        workers->run(1, work);
    }
    volatile float one = 1.0F;
    const bool still_upward = one + 1e-9F > 1.0F;
    const bool still_flushing = !denormals_kept();
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(saved);
#endif
    std::fesetround(FE_TONEAREST);
    CHECK(n_wrong == 0);
    CHECK(still_upward);
#if defined(__x86_64__)
    CHECK(still_flushing);
#else
    (void)still_flushing;
#endif
}

TEST_CASE("the host's signals do not arrive on pool threads, and the caller's mask is unchanged") {
    sigset_t before;
    sigset_t after;
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    Memory memory;
    Workers workers(2, nullptr, nullptr, memory);
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    CHECK(sigismember(&before, SIGTERM) == sigismember(&after, SIGTERM));
    std::atomic<int> n_blocked{0};
    auto work = [&](std::uint32_t i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));  // so that the pool's thread takes index 1
        if (i == 0) return;
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGALRM}) n_blocked += sigismember(&mask, signal);
    };
    workers.run(2, work);
    CHECK(n_blocked == 4);
}

TEST_CASE("a pool is created, used and destroyed many times without leaving memory") {
    Memory memory;
    for (int repeat = 0; repeat < 50; ++repeat) {
        Workers workers(3, nullptr, nullptr, memory);
        if (repeat % 2 == 0) {
            auto work = [](std::uint32_t) {};
            workers.run(3, work);
        }
        CHECK(memory.used() > 0);
    }
    CHECK(memory.used() == 0);
}

TEST_CASE("a pool that does not fit into the memory limit is an error, with nothing left") {
    for (const std::uint64_t limit : {16U, 500U, 800U}) {
        Memory memory({}, limit);
        linnet::Status status = linnet::Status::ok;
        try {
            Workers workers(64, nullptr, nullptr, memory);
        } catch (const linnet::Error& error) {
            status = error.status();
        }
        CHECK(status == linnet::Status::out_of_memory);
        CHECK(memory.used() == 0);
    }
}
