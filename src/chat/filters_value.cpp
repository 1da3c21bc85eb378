// SPDX-License-Identifier: MIT
// Filters on single values: numbers, defaults, attributes, JSON.
#include <algorithm>
#include <cmath>
#include <string>

#include "chat/builtin.hpp"
#include "chat/number.hpp"
#include "chat/object.hpp"
#include "chat/print.hpp"

namespace linnet::chat {

namespace {

Value or_default(Runtime&, const Arguments& a) {
    const bool use = a[0].is(Kind::undefined) || (truth_or(a[2], false) && !truth(a[0]));
    if (!use) return a[0];
    return given(a[1]) ? a[1] : borrowed({});
}

Value to_integer(Runtime& runtime, const Arguments& a) {
    if (a[0].is(Kind::undefined)) throw_undefined(a[0]);
    const Value fallback = given(a[1]) ? a[1] : integer(0);
    const Value& value = a[0];
    if (value.is(Kind::string)) {
        const auto whole =
            parse_integer(runtime.arena, value.view_text(), static_cast<int>(index_or(a[2], 10, "base")));
        if (whole) return *whole;
        const auto number = parse_real(value.view_text());
        const auto truncated = number ? truncate_real(runtime.arena, *number) : std::nullopt;
        return truncated ? *truncated : fallback;
    }
    if (value.is(Kind::boolean)) return integer(value.boolean ? 1 : 0);
    if (is_integer(value)) return value;
    const auto truncated = value.is(Kind::real) ? truncate_real(runtime.arena, value.real) : std::nullopt;
    return truncated ? *truncated : fallback;
}

Value to_float(Runtime&, const Arguments& a) {
    if (a[0].is(Kind::undefined)) throw_undefined(a[0]);
    if (is_number(a[0])) return real(to_real(a[0]));
    const auto number = a[0].is(Kind::string) ? parse_real(a[0].view_text()) : std::nullopt;
    if (number) return real(*number);
    return given(a[1]) ? a[1] : real(0);
}

const Value& number(const Value& value, std::string_view what) {
    if (value.is(Kind::undefined)) throw_undefined(value);
    if (!is_number(value)) {
        throw Error(Status::invalid_argument, "bad operand type for {}: '{}'", what, type_name(value.kind));
    }
    return value;
}

Value absolute_value(Runtime& runtime, const Arguments& a) { return absolute(runtime.arena, number(a[0], "abs()")); }

Value round_number(Runtime& runtime, const Arguments& a) {
    const Value& value = number(a[0], "round()");
    const std::int64_t digits = std::clamp<std::int64_t>(index_or(a[1], 0, "precision"), -400, 400);
    const std::string_view method = text_or(a[2], "common", "method");
    if (method == "common") {
        if (!is_integer(value)) return real(round_half_even(value.real, static_cast<int>(digits)));
        if (digits >= 0) return compute(runtime.arena, Arithmetic::add, value, integer(0));
        // Half to even, in integers.
        if (digits < -38) return integer(0);
        const Value unit = compute(runtime.arena, Arithmetic::power, integer(10), integer(-digits));
        const Value down = compute(runtime.arena, Arithmetic::floor_divide, value, unit);
        const Value rest = compute(runtime.arena, Arithmetic::modulo, value, unit);
        const Order half = compare_numbers(compute(runtime.arena, Arithmetic::multiply, rest, integer(2)), unit);
        const bool odd = truth(compute(runtime.arena, Arithmetic::modulo, down, integer(2)));
        const bool up = half == Order::greater || (half == Order::equal && odd);
        return compute(runtime.arena, Arithmetic::multiply,
                       compute(runtime.arena, Arithmetic::add, down, integer(up ? 1 : 0)), unit);
    }
    if (method != "ceil" && method != "floor") {
        throw Error(Status::invalid_argument, "method must be common, ceil or floor");
    }
    const Value unit = compute(runtime.arena, Arithmetic::power, integer(10), integer(digits));
    const double scaled = to_real(compute(runtime.arena, Arithmetic::multiply, value, unit));
    const double whole = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
    return compute(runtime.arena, Arithmetic::divide, real(whole), unit);
}

Value file_size(Runtime& runtime, const Arguments& a) {
    const double bytes =
        a[0].is(Kind::string) ? parse_real(a[0].view_text()).value_or(0) : to_real(number(a[0], "float()"));
    const bool binary = truth_or(a[1], false);
    const double base = binary ? 1024 : 1000;
    constexpr std::string_view kPrefixes[] = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
    if (bytes == 1) return borrowed("1 Byte");
    if (bytes < base) return string(runtime.arena, real_fixed(std::trunc(bytes), 0) + " Bytes");
    double unit = base;
    std::size_t i = 0;
    for (; i + 1 < std::size(kPrefixes) && bytes >= unit * base; ++i) unit *= base;
    std::string text = real_fixed(base * bytes / (unit * base), 1) + " ";
    text += binary ? static_cast<char>(kPrefixes[i][0] & ~0x20) : kPrefixes[i][0];
    return string(runtime.arena, text + (binary ? "iB" : "B"));
}

// What belongs to the value itself; not an element of that name.
Value attribute_of(Runtime& runtime, const Arguments& a) {
    const std::string_view name = text_argument(a[1], "name");
    if (a[0].is(Kind::dict) && find_method(Kind::dict, name) == nullptr && !is_unsafe(Kind::dict, name)) {
        return missing(Missing::attribute, name, Kind::dict);
    }
    return attribute(runtime.arena, a[0], name);
}

// As transformers defines it: without HTML escaping, with the text's own characters.
Value to_json(Runtime& runtime, const Arguments& a) {
    JsonStyle style;
    style.ascii = truth_or(a[1], false);
    if (given(a[2]) && !a[2].is(Kind::none)) {
        style.item_separator = ',';
        if (a[2].is(Kind::string)) {
            style.indent = std::string(a[2].view_text());
        } else {
            const std::int64_t width = std::max<std::int64_t>(index_or(a[2], 0, "indent"), 0);
            runtime.arena.require(static_cast<std::uint64_t>(width));
            style.indent = std::string(static_cast<std::size_t>(width), ' ');
        }
    }
    if (given(a[3]) && !a[3].is(Kind::none)) {
        const auto separators = to_items(runtime.arena, a[3]);
        if (separators.size() != 2) throw Error(Status::invalid_argument, "separators must be two texts");
        style.item_separator = text_argument(separators[0], "separators[0]");
        style.key_separator = text_argument(separators[1], "separators[1]");
    }
    style.sort_keys = truth_or(a[4], false);
    Text text(runtime.arena);
    append_json(text, a[0], style);
    return text.finish();
}

constexpr Builtin kTable[] = {
    {"default", "value default_value? boolean?", or_default},
    {"d", "value default_value? boolean?", or_default},
    {"int", "value default? base?", to_integer},
    {"float", "value default?", to_float},
    {"abs", "x", absolute_value},
    {"round", "value precision? method?", round_number},
    {"filesizeformat", "value binary?", file_size},
    {"attr", "obj name", attribute_of},
    {"tojson", "x ensure_ascii? indent? separators? sort_keys?", to_json},
};

}  // namespace

std::span<const Builtin> value_filters() noexcept { return kTable; }

}  // namespace linnet::chat
