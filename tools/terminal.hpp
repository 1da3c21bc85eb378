// SPDX-License-Identifier: MIT
// A progress bar on stderr, drawn only when stderr is a terminal and erased when it ends: nothing of it reaches a log.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace tools {

class Progress {
  public:
    explicit Progress(std::string label) : label_(std::move(label)), shown_(::isatty(STDERR_FILENO) != 0) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { clear(); }

    bool shown() const noexcept { return shown_; }

    void update(std::uint64_t done, std::uint64_t total) {
        if (!shown_ || total == 0) return;
        const auto filled = static_cast<std::size_t>(static_cast<double>(kWidth) * static_cast<double>(done) /
                                                     static_cast<double>(total));
        if (drawn_ && filled == filled_) return;
        drawn_ = true;
        filled_ = filled < kWidth ? filled : kWidth;
        const std::string bar = std::string(filled_, '#') + std::string(kWidth - filled_, '.');
        std::fprintf(stderr, "\r%s [%s]", label_.c_str(), bar.c_str());
        std::fflush(stderr);
    }

    void clear() {
        if (drawn_) std::fputs("\r\x1b[K", stderr);
        drawn_ = false;
    }

  private:
    static constexpr std::size_t kWidth = 40;
    std::string label_;
    bool shown_;
    bool drawn_ = false;
    std::size_t filled_ = 0;
};

}  // namespace tools
