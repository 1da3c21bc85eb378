// SPDX-License-Identifier: MIT
// An engine's log: silent unless the host gave a sink. Messages are warnings and facts, never errors (those are
// returned), and are formatted into a stack buffer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.hpp"

namespace linnet {

enum class LogLevel : std::int32_t { debug = 0, info = 1, warning = 2 };

struct Log {
    void* user = nullptr;
    void (*sink)(void* user, std::int32_t level, const char* text, std::size_t size) = nullptr;

    template <class... Args>
    void operator()(LogLevel level, fmt::format_string<Args...> format, Args&&... args) const {
        if (sink == nullptr) return;
        char text[512];
        sink(user, static_cast<std::int32_t>(level), text, format_into(text, format, fmt::make_format_args(args...)));
    }
};

}  // namespace linnet
