// SPDX-License-Identifier: MIT
#include "tools/host_threads.hpp"

#include <chrono>

namespace tools {

namespace {

constexpr std::uint64_t kJob = 1ULL << 32;  // one job further in `left_`

// Job systems of games and audio programs look for work a while before they sleep, as jobs come in quick succession.
template <class Condition>
bool look(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
    }
    return true;
}

}  // namespace

HostThreads::HostThreads(std::uint32_t n_threads) {
    for (std::uint32_t i = 1; i < n_threads; ++i) threads_.emplace_back([this] { work(); });
}

HostThreads::~HostThreads() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
}

void HostThreads::parallel_for(void* user, void (*task)(void* arg, std::uint32_t index), void* arg, std::uint32_t n) {
    static_cast<HostThreads*>(user)->run(task, arg, n);
}

void HostThreads::run(void (*task)(void* arg, std::uint32_t index), void* arg, std::uint32_t n) {
    const std::lock_guard turn(turn_);
    task_ = task;
    arg_ = arg;
    n_running_ = n;
    const std::uint64_t job = left_ / kJob + 1;
    left_ = job * kJob + n;
    if (n_asleep_ > 0) {
        const std::lock_guard lock(mutex_);  // who is about to sleep has seen the job, or sleeps already
        wake_.notify_all();
    }
    take_jobs(job);
    // To yield instead would give a busy program on this core its whole turn.
    const auto done = [&] { return n_running_ == 0; };
    if (look(done)) return;
    std::unique_lock lock(mutex_);
    done_.wait(lock, done);
}

void HostThreads::take_jobs(std::uint64_t job) {
    for (std::uint64_t left = left_; left / kJob == job && left % kJob > 0;) {
        if (!left_.compare_exchange_weak(left, left - 1)) continue;
        task_(arg_, static_cast<std::uint32_t>(left % kJob) - 1);
        if (--n_running_ == 0) {
            const std::lock_guard lock(mutex_);  // the caller has seen it, or waits already
            done_.notify_one();
        }
        left = left_;
    }
}

void HostThreads::work() {
    std::uint64_t job = 0;
    const auto called = [&] { return stop_ || left_ / kJob != job; };
    for (;;) {
        if (!look(called)) {
            std::unique_lock lock(mutex_);
            ++n_asleep_;
            wake_.wait(lock, called);
            --n_asleep_;
        }
        if (stop_) return;
        job = left_ / kJob;
        take_jobs(job);
    }
}

}  // namespace tools
