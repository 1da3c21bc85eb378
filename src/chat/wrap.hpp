// SPDX-License-Identifier: MIT
// Wrapping text into lines, as Python's textwrap does for the wordwrap filter.
#pragma once

#include <string_view>

#include "chat/value.hpp"

namespace linnet::chat {

struct WrapStyle {
    std::int64_t width;  // characters
    bool break_long_words, break_on_hyphens;
};

// Each line of `text` by itself; what belongs together is joined with `separator`.
Value wrap_text(Arena& arena, std::string_view text, const WrapStyle& style, std::string_view separator);

}  // namespace linnet::chat
