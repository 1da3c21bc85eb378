// SPDX-License-Identifier: MIT
// Time that passes, and the time that it is.
#pragma once

#include <chrono>
#include <ctime>
#include <string>

namespace tools {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// As a conversation's "now" has it: 2025-03-09T15:04:05.
inline std::string local_time() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    localtime_r(&now, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts)};
}

}  // namespace tools
