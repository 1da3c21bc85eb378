// SPDX-License-Identifier: MIT
// Files that appear complete or not at all: they are written under another name and take their own when all of them are
// done. What is left over goes with the object; Ctrl-C and SIGTERM end the writing in the same way.
#pragma once

#include <atomic>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/commands.hpp"

namespace tools {

class OutputFiles {
  public:
    // The files' names. Throws UsageError for one that exists and is not a regular file.
    explicit OutputFiles(std::vector<std::string> names) : names_(std::move(names)) {
        for (const std::string& name : names_) {
            if (std::filesystem::exists(name) && !std::filesystem::is_regular_file(name)) {
                throw UsageError(name + ": is not a regular file");
            }
        }
        for (std::size_t i = 0; i < kSignals; ++i) saved_[i] = std::signal(kNumbers[i], interrupt);
    }
    OutputFiles(const OutputFiles&) = delete;
    OutputFiles& operator=(const OutputFiles&) = delete;
    ~OutputFiles() {
        std::error_code ignored;
        for (std::size_t i = 0; i < names_.size(); ++i) std::filesystem::remove(partial(i), ignored);
        for (std::size_t i = 0; i < kSignals; ++i) std::signal(kNumbers[i], saved_[i]);
    }

    // Where file i is written.
    std::string partial(std::size_t i) const { return names_[i] + ".partial"; }

    void check_interrupted() const {
        if (interrupted_) throw std::runtime_error("interrupted: nothing was written");
    }

    void finish() {
        for (std::size_t i = 0; i < names_.size(); ++i) std::filesystem::rename(partial(i), names_[i]);
    }

  private:
    static constexpr std::size_t kSignals = 2;
    static constexpr int kNumbers[kSignals] = {SIGINT, SIGTERM};
    static inline std::atomic<bool> interrupted_ = false;
    static_assert(std::atomic<bool>::is_always_lock_free);

    static void interrupt(int) { interrupted_ = true; }

    std::vector<std::string> names_;
    void (*saved_[kSignals])(int) = {};
};

}  // namespace tools
