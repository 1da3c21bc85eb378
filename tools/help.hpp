// SPDX-License-Identifier: MIT
// Help texts: a paragraph that explains a command, wrapped for reading, and an example to be copied.
#pragma once

#include <CLI/CLI.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tools {

// Lines of at most kWidth where the words allow it.
inline std::string wrapped(std::string_view text) {
    constexpr std::size_t kWidth = 100;
    std::string result;
    std::size_t line = 0;  // start of the last one
    for (const char c : text) {
        result += c;
        if (c == '\n') line = result.size();
        if (result.size() - line <= kWidth) continue;
        const std::size_t space = result.rfind(' ');
        if (space == std::string::npos || space < line) continue;
        result[space] = '\n';
        line = space + 1;
    }
    return result;
}

inline void explain(CLI::App& command, std::string_view about, std::string_view example) {
    command.footer(wrapped(about) + "\n\nExample:\n  " + std::string(example));
}

}  // namespace tools
