// SPDX-License-Identifier: MIT
// Upper, lower and title case of text, and the classes of characters, as Python's str methods have them.
#pragma once

#include <string_view>

#include "chat/value.hpp"

namespace linnet::chat {

enum class LetterCase : std::uint8_t { upper, lower, title };

// Every character in that case.
void append_case(Text& text, std::string_view source, LetterCase letter_case);
// The first character in title case, the others in lower case.
void append_capitalized(Text& text, std::string_view source);
// Each word's first character in title case; words are runs of cased characters, as for str.title.
void append_title(Text& text, std::string_view source);
void append_swapped(Text& text, std::string_view source);

bool is_upper(char32_t code) noexcept;  // or title case
bool is_lower(char32_t code) noexcept;
bool is_space(char32_t code) noexcept;
bool is_printable(char32_t code) noexcept;
bool is_word(char32_t code) noexcept;  // letters, digits and "_"

// Without spaces at the begin and the end, or without the characters of `which`.
std::string_view trim_left(std::string_view text) noexcept;
std::string_view trim_right(std::string_view text) noexcept;
std::string_view trim_left(std::string_view text, std::string_view which) noexcept;
std::string_view trim_right(std::string_view text, std::string_view which) noexcept;

// The last character of a text that is not empty.
std::string_view last_character(std::string_view text) noexcept;

}  // namespace linnet::chat
