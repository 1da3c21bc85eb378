// SPDX-License-Identifier: MIT
// Placing arguments, and finding built-ins by name.
#include "chat/builtin.hpp"

#include <algorithm>
#include <iterator>

#include "chat/print.hpp"

namespace linnet::chat {

namespace {

constexpr int kMaxDepth = 16;  // of filters that call filters: x | map('map', ...)

struct Parameter {
    std::string_view name;
    bool optional;
};

// The next parameter of a list; empty at its end.
Parameter next_parameter(std::string_view& list) noexcept {
    const std::size_t end = std::min(list.find(' '), list.size());
    std::string_view name = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const bool optional = name.ends_with('?');
    if (optional) name.remove_suffix(1);
    return {name, optional};
}

}  // namespace

Arguments bind(const Builtin& builtin, const CallArguments& call) {
    Arguments result;
    std::array<std::string_view, Arguments::kMax> names;
    std::size_t n = 0, n_required = 0;
    bool more = false, more_keywords = false;
    for (std::string_view list = builtin.parameters; !list.empty();) {
        const Parameter parameter = next_parameter(list);
        if (parameter.name == "*") {
            more = true;
        } else if (parameter.name == "**") {
            more_keywords = true;
        } else {
            if (!parameter.optional) n_required = n + 1;
            result.slots[n] = missing(Missing::argument, {});
            names[n++] = parameter.name;
        }
    }
    const std::size_t n_placed = std::min(n, call.positional.size());
    std::copy_n(call.positional.begin(), n_placed, result.slots.begin());
    result.rest.positional = call.positional.subspan(n_placed);
    if (!result.rest.positional.empty() && !more) {
        throw Error(Status::invalid_argument, "{}() takes at most {} arguments ({} given)", builtin.name, n,
                    call.positional.size());
    }
    for (std::size_t i = 0; i < call.keywords.size(); ++i) {
        const std::string_view* const end = names.data() + n;
        const std::string_view* const name =
            std::find<const std::string_view*>(names.data() + n_placed, end, call.keywords[i]);
        if (name != end && !more) {
            result.slots[static_cast<std::size_t>(name - names.data())] = call.keyword_values[i];
        } else if (!more_keywords) {
            throw Error(Status::invalid_argument, "{}() got an unexpected keyword argument '{}'", builtin.name,
                        call.keywords[i]);
        }
    }
    if (more_keywords) {
        result.rest.keywords = call.keywords;
        result.rest.keyword_values = call.keyword_values;
    }
    for (std::size_t i = 0; i < n_required; ++i) {
        if (!given(result.slots[i])) {
            throw Error(Status::invalid_argument, "{}() missing required argument '{}'", builtin.name, names[i]);
        }
    }
    return result;
}

Value invoke(Runtime& runtime, const Builtin& builtin, const CallArguments& call) {
    runtime.arena.spend(1);
    if (runtime.depth >= kMaxDepth) {
        throw Error(Status::unsupported, "filters call each other more than {} deep", kMaxDepth);
    }
    ++runtime.depth;
    const Value result = builtin.call(runtime, bind(builtin, call));
    --runtime.depth;
    return result;
}

const Builtin* find(std::span<const Builtin> table, std::string_view name) noexcept {
    const auto it = std::find_if(table.begin(), table.end(), [&](const Builtin& entry) { return entry.name == name; });
    return it == table.end() ? nullptr : &*it;
}

const Builtin* find_filter(std::string_view name) noexcept {
    for (const auto table : {text_filters(), sequence_filters(), value_filters()}) {
        if (const Builtin* const filter = find(table, name)) return filter;
    }
    return nullptr;
}

std::string_view text_argument(const Value& value, std::string_view what) {
    if (value.is(Kind::undefined)) throw_undefined(value);
    if (!value.is(Kind::string)) {
        throw Error(Status::invalid_argument, "{} must be str, not {}", what, type_name(value.kind));
    }
    return value.view_text();
}

std::string_view text_or(const Value& value, std::string_view fallback, std::string_view what) {
    return given(value) ? text_argument(value, what) : fallback;
}

std::int64_t index_or(const Value& value, std::int64_t fallback, std::string_view what) {
    if (!given(value)) return fallback;
    if (value.is(Kind::integer)) return value.integer;
    if (value.is(Kind::boolean)) return value.boolean ? 1 : 0;
    if (value.is(Kind::undefined)) throw_undefined(value);
    throw Error(Status::invalid_argument, "{} must be an integer of 64 bits, not {}", what, type_name(value.kind));
}

bool truth_or(const Value& value, bool fallback) noexcept { return given(value) ? truth(value) : fallback; }

}  // namespace linnet::chat
