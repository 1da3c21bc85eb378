// SPDX-License-Identifier: MIT
// Methods and properties of everything but text, and which methods of Python's types are refused.
#include <algorithm>
#include <bit>
#include <cmath>

#include "chat/builtin.hpp"
#include "chat/number.hpp"
#include "chat/object.hpp"
#include "chat/print.hpp"

namespace linnet::chat {

namespace {

// --- dict

Value view_of(Runtime& runtime, const Value& dict, ViewOf of) {
    auto* const view = runtime.arena.make<View>();
    *view = {dict.dict, of};
    Value value(Kind::view);
    value.view = view;
    return value;
}

Value dict_get(Runtime& runtime, const Arguments& a) {
    if (const Value* const found = find(runtime.arena, *a[0].dict, a[1])) return *found;
    return given(a[2]) ? a[2] : none();
}
Value dict_keys(Runtime& runtime, const Arguments& a) { return view_of(runtime, a[0], ViewOf::keys); }
Value dict_values(Runtime& runtime, const Arguments& a) { return view_of(runtime, a[0], ViewOf::values); }
Value dict_items(Runtime& runtime, const Arguments& a) { return view_of(runtime, a[0], ViewOf::items); }
Value itself(Runtime&, const Arguments& a) { return a[0]; }

constexpr Builtin kDictMethods[] = {
    {"get", "self key default?", dict_get}, {"keys", "self", dict_keys}, {"values", "self", dict_values},
    {"items", "self", dict_items},          {"copy", "self", itself},
};

// --- list, tuple and range

Value item_count(Runtime& runtime, const Arguments& a) {
    std::int64_t n = 0;
    for (const Value& item : to_items(runtime.arena, a[0])) n += equal(runtime.arena, item, a[1]) ? 1 : 0;
    return integer(n);
}

Value item_index(Runtime& runtime, const Arguments& a) {
    const auto items = to_items(runtime.arena, a[0]);
    const auto size = static_cast<std::int64_t>(items.size());
    const auto bound = [&](const Value& value, std::int64_t absent) {
        const std::int64_t index = index_or(value, absent, "index()'s argument");
        return std::clamp<std::int64_t>(index < 0 ? index + size : index, 0, size);
    };
    for (std::int64_t i = bound(a[2], 0), end = bound(a[3], size); i < end; ++i) {
        if (equal(runtime.arena, items[static_cast<std::size_t>(i)], a[1])) return integer(i);
    }
    Text text(runtime.arena);
    append_repr(text, a[1]);
    throw Error(Status::invalid_argument, "{} is not in {}", text.view(), type_name(a[0].kind));
}

constexpr Builtin kItemMethods[] = {
    {"count", "self value", item_count},
    {"index", "self value start? stop?", item_index},
};
constexpr Builtin kListMethods[] = {{"copy", "self", itself}};

// --- numbers

Value as_number(Runtime& runtime, const Arguments& a) {
    return a[0].is(Kind::boolean) ? compute(runtime.arena, Arithmetic::add, a[0], integer(0)) : a[0];
}
Value zero(Runtime&, const Arguments& a) { return a[0].is(Kind::real) ? real(0) : integer(0); }
Value one(Runtime&, const Arguments&) { return integer(1); }

Value is_whole(Runtime&, const Arguments& a) {
    return boolean(!a[0].is(Kind::real) || (std::isfinite(a[0].real) && std::floor(a[0].real) == a[0].real));
}

Value n_bits(Runtime&, const Arguments& a) {
    const std::string digits = integer_digits(a[0], 2, false);
    const std::size_t n = digits.size() - (digits.front() == '-' ? 1 : 0);
    return integer(digits == "0" ? 0 : static_cast<std::int64_t>(n));
}

constexpr Builtin kIntegerMethods[] = {{"bit_length", "self", n_bits}, {"conjugate", "self", as_number}};
constexpr Builtin kRealMethods[] = {{"is_integer", "self", is_whole}, {"conjugate", "self", as_number}};
constexpr Builtin kNumberProperties[] = {{"real", "self", as_number}, {"imag", "self", zero}};
constexpr Builtin kIntegerProperties[] = {{"numerator", "self", as_number}, {"denominator", "self", one}};

// --- loop

Value loop_cycle(Runtime&, const Arguments& a) {
    const auto items = a.rest.positional;
    if (items.empty()) throw Error(Status::invalid_argument, "no items for cycling given");
    return items[a[0].loop->index % items.size()];
}

Value loop_changed(Runtime& runtime, const Arguments& a) {
    Loop& loop = *a[0].loop;
    const Value now = list(runtime.arena, a.rest.positional, Kind::tuple);
    const bool changed = !loop.has_changed || !equal(runtime.arena, loop.changed, now);
    loop.changed = now;
    loop.has_changed = true;
    return boolean(changed);
}

constexpr Builtin kLoopMethods[] = {{"cycle", "self *", loop_cycle}, {"changed", "self *", loop_changed}};

Value loop_index(Runtime&, const Arguments& a) { return integer(std::int64_t{a[0].loop->index} + 1); }
Value loop_index0(Runtime&, const Arguments& a) { return integer(a[0].loop->index); }
Value loop_rest(Runtime&, const Arguments& a) { return integer(std::int64_t{a[0].loop->n} - a[0].loop->index); }
Value loop_rest0(Runtime&, const Arguments& a) { return integer(std::int64_t{a[0].loop->n} - a[0].loop->index - 1); }
Value loop_first(Runtime&, const Arguments& a) { return boolean(a[0].loop->index == 0); }
Value loop_last(Runtime&, const Arguments& a) { return boolean(a[0].loop->index + 1 == a[0].loop->n); }
Value loop_length(Runtime&, const Arguments& a) { return integer(a[0].loop->n); }
Value loop_depth(Runtime&, const Arguments& a) { return integer(std::int64_t{a[0].loop->depth} + 1); }
Value loop_depth0(Runtime&, const Arguments& a) { return integer(a[0].loop->depth); }
Value loop_previous(Runtime&, const Arguments& a) {
    const Loop& loop = *a[0].loop;
    return loop.index == 0 ? missing(Missing::other, "there is no previous item") : loop.items[loop.index - 1];
}
Value loop_next(Runtime&, const Arguments& a) {
    const Loop& loop = *a[0].loop;
    return loop.index + 1 >= loop.n ? missing(Missing::other, "there is no next item") : loop.items[loop.index + 1];
}

constexpr Builtin kLoopProperties[] = {
    {"index", "self", loop_index},     {"index0", "self", loop_index0},     {"revindex", "self", loop_rest},
    {"revindex0", "self", loop_rest0}, {"first", "self", loop_first},       {"last", "self", loop_last},
    {"length", "self", loop_length},   {"depth", "self", loop_depth},       {"depth0", "self", loop_depth0},
    {"nextitem", "self", loop_next},   {"previtem", "self", loop_previous},
};

// --- macro

Value macro_name(Runtime&, const Arguments& a) { return borrowed(a[0].macro->shape->name); }
Value macro_arguments(Runtime& runtime, const Arguments& a) {
    const MacroShape& shape = *a[0].macro->shape;
    std::vector<Value> names;
    for (const std::string_view name : shape.parameter_names) names.push_back(borrowed(name));
    return list(runtime.arena, names, Kind::tuple);
}
Value macro_kwargs(Runtime&, const Arguments& a) { return boolean(a[0].macro->shape->uses_kwargs); }
Value macro_varargs(Runtime&, const Arguments& a) { return boolean(a[0].macro->shape->uses_varargs); }
Value macro_caller(Runtime&, const Arguments& a) { return boolean(a[0].macro->shape->uses_caller); }

constexpr Builtin kMacroProperties[] = {
    {"name", "self", macro_name},           {"arguments", "self", macro_arguments},
    {"catch_kwargs", "self", macro_kwargs}, {"catch_varargs", "self", macro_varargs},
    {"caller", "self", macro_caller},
};

// --- cycler

Value cycler_next(Runtime&, const Arguments& a) {
    Cycler& cycler = *a[0].cycler;
    const Value value = cycler.items[cycler.at];
    cycler.at = (cycler.at + 1) % cycler.items.size();
    return value;
}
Value cycler_reset(Runtime&, const Arguments& a) {
    a[0].cycler->at = 0;
    return none();
}
Value cycler_current(Runtime&, const Arguments& a) { return a[0].cycler->items[a[0].cycler->at]; }

constexpr Builtin kCyclerMethods[] = {{"next", "self", cycler_next}, {"reset", "self", cycler_reset}};
constexpr Builtin kCyclerProperties[] = {{"current", "self", cycler_current}};

}  // namespace

const Builtin* find_method(Kind kind, std::string_view name) noexcept {
    switch (kind) {
        case Kind::string: return find(string_methods(), name);
        case Kind::dict: return find(kDictMethods, name);
        case Kind::list:
            if (const Builtin* const method = find(kListMethods, name)) return method;
            return find(kItemMethods, name);
        case Kind::tuple:
        case Kind::range: return find(kItemMethods, name);
        case Kind::boolean:
        case Kind::integer:
        case Kind::big: return find(kIntegerMethods, name);
        case Kind::real: return find(kRealMethods, name);
        case Kind::loop: return find(kLoopMethods, name);
        case Kind::cycler: return find(kCyclerMethods, name);
        default: return nullptr;
    }
}

const Builtin* find_property(Kind kind, std::string_view name) noexcept {
    switch (kind) {
        case Kind::boolean:
        case Kind::integer:
        case Kind::big:
            if (const Builtin* const property = find(kIntegerProperties, name)) return property;
            return find(kNumberProperties, name);
        case Kind::real: return find(kNumberProperties, name);
        case Kind::loop: return find(kLoopProperties, name);
        case Kind::macro: return find(kMacroProperties, name);
        case Kind::cycler: return find(kCyclerProperties, name);
        default: return nullptr;
    }
}

bool is_unsafe(Kind kind, std::string_view name) noexcept {
    constexpr std::string_view kDict[] = {"clear", "pop", "popitem", "setdefault", "update"};
    constexpr std::string_view kList[] = {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"};
    const auto has = [&](std::span<const std::string_view> names) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    return (kind == Kind::dict && has(kDict)) || (kind == Kind::list && has(kList));
}

}  // namespace linnet::chat
