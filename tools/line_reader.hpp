// SPDX-License-Identifier: MIT
// Lines of the standard input, by read(2): a signal which comes meanwhile is reported and nothing that was typed before
// is mixed into the next line.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string>

namespace tools {

class LineReader {
  public:
    enum class Result { line, interrupted, end };

    // Without its end. A last line that has none counts.
    Result read(std::string& line) {
        for (;;) {
            const std::size_t end = pending_.find('\n');
            if (end != std::string::npos) {
                line = pending_.substr(0, end);
                pending_.erase(0, end + 1);
                if (!line.empty() && line.back() == '\r') line.pop_back();
                return Result::line;
            }
            char buffer[4096];
            const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
            if (n < 0 && errno == EINTR) {
                pending_.clear();
                return Result::interrupted;
            }
            if (n <= 0) {
                if (pending_.empty()) return Result::end;
                line.swap(pending_);
                pending_.clear();
                return Result::line;
            }
            pending_.append(buffer, static_cast<std::size_t>(n));
        }
    }

  private:
    std::string pending_;
};

}  // namespace tools
