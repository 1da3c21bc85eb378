// SPDX-License-Identifier: MIT
// Formatting of texts. fmt's machinery is compiled once, in format.cpp: instantiated wherever a message is written it
// was half of the time that building took.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#define FMT_HEADER_ONLY 1
#include <fmt/core.h>

namespace linnet {

// Writes what fits into `text`, without a terminating zero; returns the number of bytes written.
std::size_t format_into(std::span<char> text, fmt::string_view format, fmt::format_args arguments);
std::string vformat_text(fmt::string_view format, fmt::format_args arguments);

template <class... Args>
std::string format_text(fmt::format_string<Args...> format, Args&&... args) {
    return vformat_text(format, fmt::make_format_args(args...));
}

}  // namespace linnet
