// SPDX-License-Identifier: MIT
// The pool behind Workers. Each thread has a slot of its own, whose state says who may run its index: the caller arms
// it, the thread takes it, and the caller takes back what no thread has taken when its own share is done. A caller so
// never waits for a thread that the system has not scheduled, only for work that is under way. Both sides spin for a
// moment (a forward pass has hundreds of runs, microseconds apart) and park after it.
// Parking is a mutex and a condition variable: std::atomic::wait would keep a table of waiters in global memory.
#include "base/workers.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory_resource>
#include <mutex>
#include <new>
#include <vector>

#include <pthread.h>
#include <signal.h>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif !defined(__aarch64__)
#include <cfenv>
#endif

#include "base/error.hpp"

namespace linnet {

namespace {

void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");  // yield is a no-op on most cores
#endif
}

// True when `condition` held within the time that is worth more than a thread switch.
template <class Condition>
bool spin_until(Condition condition) noexcept {
    using Clock = std::chrono::steady_clock;
    constexpr auto kSpin = std::chrono::microseconds(30);
    if (condition()) return true;
    const Clock::time_point end = Clock::now() + kSpin;
    do {
        for (int i = 0; i < 16; ++i) {
            if (condition()) return true;
            pause();
        }
    } while (Clock::now() < end);
    return false;
}

// For the duration of a thread's start: it inherits the mask, so that the host's handlers never run on it. Faults
// stay deliverable, since a thread that has one must reach the host's crash handler.
class SignalsBlocked {
  public:
    SignalsBlocked() noexcept {
        sigset_t blocked;
        sigfillset(&blocked);
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigdelset(&blocked, fault);
        pthread_sigmask(SIG_SETMASK, &blocked, &saved_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t saved_;
};

}  // namespace

struct Workers::Pool {
    using Work = FunctionRef<void(std::uint32_t)>;

    enum class State : std::uint32_t {
        idle,    // nothing to do; the thread spins or is on its way to
        parked,  // nothing to do; the thread waits on `wake`
        armed,   // index to be run: whoever changes this to idle runs it
        stop,
    };

    struct alignas(64) Slot {
        std::atomic<State> state{State::idle};
        std::mutex mutex;
        std::condition_variable wake;
        Pool* pool = nullptr;
        std::uint32_t index = 0;
        pthread_t thread{};
    };

    Pool(std::uint32_t n_slots, Memory& memory) : slots(n_slots, &memory) {
        const SignalsBlocked blocked;
        for (Slot& slot : slots) {
            slot.pool = this;
            slot.index = n_started + 1;
            const int error = ::pthread_create(&slot.thread, nullptr, &Pool::main, &slot);
            if (error != 0) {
                const std::uint32_t n = n_started;
                stop();
                throw Error(Status::out_of_memory, "n_threads: thread {} of {} cannot be started (errno {})", n + 2,
                            n_slots + 1, error);
            }
            ++n_started;
        }
    }
    ~Pool() { stop(); }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    void stop() noexcept {
        for (; n_started > 0; --n_started) {
            Slot& slot = slots[n_started - 1];
            set(slot, State::stop);
            ::pthread_join(slot.thread, nullptr);
        }
    }

    static void set(Slot& slot, State state) noexcept {
        if (slot.state.exchange(state, std::memory_order_acq_rel) != State::parked) return;
        const std::lock_guard lock(slot.mutex);  // the thread has checked the state, or will after this
        slot.wake.notify_one();
    }

    static bool take(Slot& slot) noexcept {
        State armed = State::armed;
        return slot.state.compare_exchange_strong(armed, State::idle, std::memory_order_acq_rel);
    }

    static void* main(void* arg) {
        Slot& slot = *static_cast<Slot*>(arg);
#if defined(__APPLE__)
        pthread_setname_np("linnet");
#elif defined(__linux__)
        pthread_setname_np(pthread_self(), "linnet");
#endif
        for (;;) {
            const auto called = [&] { return slot.state.load(std::memory_order_acquire) != State::idle; };
            State idle = State::idle;
            if (!spin_until(called) &&
                slot.state.compare_exchange_strong(idle, State::parked, std::memory_order_acq_rel)) {
                std::unique_lock lock(slot.mutex);
                slot.wake.wait(lock, [&] { return slot.state.load(std::memory_order_acquire) != State::parked; });
            }
            if (take(slot)) {
                slot.pool->run_index(slot.index);
                slot.pool->finish_one();
            } else if (slot.state.load(std::memory_order_acquire) == State::stop) {
                return nullptr;
            }
        }
    }

    // `work` is stable while an index of it is neither taken nor finished: run() waits for all.
    void run_index(std::uint32_t index) const noexcept {
        const FloatEnvironment environment;
        (*work)(index);
    }

    void finish_one() noexcept {
        if (n_pending.fetch_sub(1, std::memory_order_acq_rel) != kCallerParked + 1) return;
        const std::lock_guard lock(mutex);
        all_done.notify_one();
    }

    void run(std::uint32_t n, const Work& run_work) noexcept {
        const bool locked = spin_until([this] { return turn.try_lock(); });
        if (!locked) turn.lock();
        const std::lock_guard lock(turn, std::adopt_lock);
        work = &run_work;
        n_pending.store(n - 1, std::memory_order_relaxed);
        for (std::uint32_t i = 1; i < n; ++i) set(slots[i - 1], State::armed);
        run_index(0);
        for (std::uint32_t i = 1; i < n; ++i) {
            if (!take(slots[i - 1])) continue;
            run_index(i);
            finish_one();
        }
        wait_for_all();
    }

    void wait_for_all() noexcept {
        if (spin_until([this] { return n_pending.load(std::memory_order_acquire) == 0; })) return;
        if (n_pending.fetch_or(kCallerParked, std::memory_order_acq_rel) == 0) return;
        std::unique_lock lock(mutex);
        all_done.wait(lock, [this] { return n_pending.load(std::memory_order_acquire) == kCallerParked; });
    }

    static constexpr std::uint32_t kCallerParked = 1U << 31;

    std::pmr::vector<Slot> slots;  // of threads 1 .. n_threads - 1
    std::uint32_t n_started = 0;
    std::mutex turn;  // held by the caller whose run this is
    const Work* work = nullptr;
    alignas(64) std::atomic<std::uint32_t> n_pending{0};  // indices not finished; kCallerParked: notify at the last
    std::mutex mutex;
    std::condition_variable all_done;
};

void Workers::PoolDeleter::operator()(Pool* pool) const noexcept {
    pool->~Pool();
    memory->deallocate(pool, sizeof(Pool), alignof(Pool));
}

Workers::Workers(std::uint32_t n_threads, ParallelFor parallel_for, void* user, Memory& memory)
    : n_threads_(n_threads), parallel_for_(parallel_for), user_(user), pool_(nullptr, PoolDeleter{&memory}) {
    if (n_threads == 1 || parallel_for != nullptr) return;
    void* place = memory.allocate(sizeof(Pool), alignof(Pool));
    try {
        pool_.reset(::new (place) Pool(n_threads - 1, memory));
    } catch (...) {
        memory.deallocate(place, sizeof(Pool), alignof(Pool));
        throw;
    }
}

Workers::~Workers() = default;

void Workers::run(std::uint32_t n, FunctionRef<void(std::uint32_t)> work) noexcept {
    if (n > 1 && pool_ != nullptr) return pool_->run(n, work);
    const auto task = [](void* arg, std::uint32_t index) {
        const FloatEnvironment environment;
        (*static_cast<FunctionRef<void(std::uint32_t)>*>(arg))(index);
    };
    if (n > 1) return parallel_for_(user_, task, &work, n);
    if (n == 1) task(&work, 0);
}

#if defined(__x86_64__) || defined(__i386__)

FloatEnvironment::FloatEnvironment() noexcept : saved_(_mm_getcsr()) {
    _mm_setcsr(0x1F80);  // all exceptions masked, round to nearest, no flush to zero
}
FloatEnvironment::~FloatEnvironment() { _mm_setcsr(static_cast<std::uint32_t>(saved_)); }

#elif defined(__aarch64__)

FloatEnvironment::FloatEnvironment() noexcept {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
    __asm__ volatile("msr fpcr, %0" : : "r"(std::uint64_t{0}) : "memory");
}
FloatEnvironment::~FloatEnvironment() { __asm__ volatile("msr fpcr, %0" : : "r"(saved_) : "memory"); }

#else

FloatEnvironment::FloatEnvironment() noexcept : saved_(static_cast<std::uint64_t>(std::fegetround())) {
    std::fesetround(FE_TONEAREST);
}
FloatEnvironment::~FloatEnvironment() { std::fesetround(static_cast<int>(saved_)); }

#endif

}  // namespace linnet
