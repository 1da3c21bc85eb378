// SPDX-License-Identifier: MIT
// Values as text: Python's str() and repr(), HTML escaping, and JSON as json.dumps writes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "chat/value.hpp"

namespace linnet::chat {

void append_str(Text& text, const Value& value);
void append_repr(Text& text, const Value& value, int depth = 0);
void append_escaped(Text& text, std::string_view source);  // & < > ' "

// str(value); text stays where it is.
std::string_view to_str(Arena& arena, const Value& value);

struct JsonStyle {
    bool ascii = false;
    bool sort_keys = false;
    std::optional<std::string> indent;  // of one level; none: all on one line
    std::string item_separator = ", ", key_separator = ": ";
};
void append_json(Text& text, const Value& value, const JsonStyle& style);

}  // namespace linnet::chat
