// SPDX-License-Identifier: MIT
// Work on text that both filters and methods do.
#pragma once

#include <string_view>
#include <vector>

#include "chat/value.hpp"

namespace linnet::chat {

// At most `count` replacements; all when it is negative. An empty `from` is found before each character and at the end.
Value replace_text(Arena& arena, std::string_view text, std::string_view from, std::string_view to, std::int64_t count);
// Lines without their ends (or with them), by all of Python's line ends.
std::vector<std::string_view> split_lines(Arena& arena, std::string_view text, bool keep_ends = false);
// Words between spaces.
std::vector<std::string_view> split_words(Arena& arena, std::string_view text);
// `text` in a field of `width` characters.
// center: as str.center rounds; middle: as format specs do.
enum class Side : std::uint8_t { left, right, center, middle };
Value pad(Arena& arena, std::string_view text, std::int64_t width, std::string_view fill, Side side);
Value strings(Arena& arena, const std::vector<std::string_view>& parts);

}  // namespace linnet::chat
