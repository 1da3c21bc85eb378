// SPDX-License-Identifier: MIT
// What templates can call: filters, tests, methods and functions, all in tables of the same form. A call's arguments
// are placed by name before the function sees them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "chat/value.hpp"

namespace linnet::chat {

// The local time that strftime_now tells.
struct Moment {
    int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

// What built-ins know of the rendering that they are part of.
struct Runtime {
    Arena& arena;
    const std::optional<Moment>& now;
    int depth = 0;        // of built-ins that call built-ins
    bool raised = false;  // by the template's own raise_exception
};

// A call as it is written.
struct CallArguments {
    std::span<const Value> positional;
    std::span<const std::string_view> keywords;
    std::span<const Value> keyword_values;
};

// The same, placed. What was not given is no `given` value.
struct Arguments {
    static constexpr std::size_t kMax = 6;
    std::array<Value, kMax> slots;
    CallArguments rest;  // what the parameters "*" and "**" take

    const Value& operator[](std::size_t i) const noexcept { return slots[i]; }
};

struct Builtin {
    std::string_view name;
    // Names separated by spaces; "?" after one: it may be left out; "*" and "**" at the end: more are taken.
    std::string_view parameters;
    Value (*call)(Runtime& runtime, const Arguments& arguments);
};

Arguments bind(const Builtin& builtin, const CallArguments& call);
Value invoke(Runtime& runtime, const Builtin& builtin, const CallArguments& call);

const Builtin* find_filter(std::string_view name) noexcept;
const Builtin* find_test(std::string_view name) noexcept;
const Builtin* find_function(std::string_view name) noexcept;
// A method or property of values of that kind. Properties have no parameters and are read, not called.
const Builtin* find_method(Kind kind, std::string_view name) noexcept;
const Builtin* find_property(Kind kind, std::string_view name) noexcept;
// Methods of Python's type that would change the value, and are therefore refused.
bool is_unsafe(Kind kind, std::string_view name) noexcept;

const Builtin* find(std::span<const Builtin> table, std::string_view name) noexcept;

// The tables, each beside its functions.
std::span<const Builtin> text_filters() noexcept;
std::span<const Builtin> sequence_filters() noexcept;
std::span<const Builtin> value_filters() noexcept;
std::span<const Builtin> string_methods() noexcept;

// --- arguments of built-ins
// Text, or an Error that names the parameter.
std::string_view text_argument(const Value& value, std::string_view what);
std::string_view text_or(const Value& value, std::string_view fallback, std::string_view what);
std::int64_t index_or(const Value& value, std::int64_t fallback, std::string_view what);
bool truth_or(const Value& value, bool fallback) noexcept;

}  // namespace linnet::chat
