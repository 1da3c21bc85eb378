// SPDX-License-Identifier: MIT
// What the schemas of tools say about arguments that are written without quotes: the reader of replies and the grammars
// of calls ask the same question, so that what one writes is what the other reads.
#pragma once

#include <cstdint>
#include <string_view>

#include "chat/value.hpp"

namespace linnet::chat {

// What {"type": "function", "function": {...}} wraps, or the tool itself.
Value function_of(const Value& tool) noexcept;

// "parameters" of the function with that name; none when there is no such tool.
Value parameters_of(const Value& tools, std::string_view function) noexcept;

enum class Typing : std::uint8_t {
    unknown,
    text,   // nothing but strings, as far as types and lists of values tell: taken as it stands
    other,  // a "type" without strings
};

Typing typing_of(const Value& parameters, std::string_view key) noexcept;

}  // namespace linnet::chat
