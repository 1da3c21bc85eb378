// SPDX-License-Identifier: MIT
// A host's job system as small as it gets: threads that wait for jobs, and whose parallel_for the library computes
// with (linnet_engine_options.parallel_for). For `linnet bench --host-threads`.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace tools {

class HostThreads {
  public:
    // n_threads, the caller of parallel_for included.
    explicit HostThreads(std::uint32_t n_threads);
    ~HostThreads();
    HostThreads(const HostThreads&) = delete;
    HostThreads& operator=(const HostThreads&) = delete;

    // As linnet_parallel_for; user is the object.
    static void parallel_for(void* user, void (*task)(void* arg, std::uint32_t index), void* arg, std::uint32_t n);

  private:
    void run(void (*task)(void* arg, std::uint32_t index), void* arg, std::uint32_t n);
    void work();
    void take_jobs(std::uint64_t job);

    std::mutex turn_;  // one parallel_for at a time
    std::mutex mutex_;
    std::condition_variable wake_;  // of threads without work
    std::condition_variable done_;  // of the caller
    std::atomic<bool> stop_{false};
    void (*task_)(void* arg, std::uint32_t index) = nullptr;
    void* arg_ = nullptr;
    // Number of the job, then its indices that nobody has taken: a thread that comes late takes none of a later job.
    std::atomic<std::uint64_t> left_{0};
    std::atomic<std::uint32_t> n_running_{0};
    std::atomic<std::uint32_t> n_asleep_{0};
    std::vector<std::jthread> threads_;
};

}  // namespace tools
