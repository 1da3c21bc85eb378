// SPDX-License-Identifier: MIT
// Numbers as Python has them: integers are computed with up to 127 bits (beyond is an Error, never a wrapped value),
// floats print their shortest decimal form, and nothing depends on the C library's mathematics or on the locale.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "chat/value.hpp"

namespace linnet::chat {

enum class Order : std::uint8_t { less, equal, greater, unordered };

enum class Arithmetic : std::uint8_t { add, subtract, multiply, divide, floor_divide, modulo, power };

// Both are numbers.
Order compare_numbers(const Value& a, const Value& b) noexcept;
Value compute(Arena& arena, Arithmetic op, const Value& a, const Value& b);
Value negate(Arena& arena, const Value& number);
Value absolute(Arena& arena, const Value& number);

// float.__repr__: the shortest text that reads back as the same value.
std::string real_repr(double value);
// `precision` digits after the point, correctly rounded; likewise with an exponent or as "%g" does.
std::string real_fixed(double value, int precision);
std::string real_scientific(double value, int precision);
std::string real_general(double value, int precision, bool keep_zeros);
double round_half_even(double value, int digits);

// int(text, base) and float(text): with spaces around, underscores between digits; nothing when Python would throw.
std::optional<Value> parse_integer(Arena& arena, std::string_view text, int base);
std::optional<double> parse_real(std::string_view text);
// int(number): towards zero; nothing for infinities and NaN.
std::optional<Value> truncate_real(Arena& arena, double value);

// The decimal digits of an integer (with "-").
std::string integer_repr(const Value& value);
// Digits in base 2, 8, 10 or 16, without a prefix.
std::string integer_digits(const Value& value, unsigned base, bool upper);
// As an index or a count. Throws when it is no integer, or beyond 64 bits.
std::int64_t to_index(const Value& value, std::string_view what);

}  // namespace linnet::chat
