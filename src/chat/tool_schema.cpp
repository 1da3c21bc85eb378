// SPDX-License-Identifier: MIT
// A look at schemas as deep as kMaxDepth: what is further down is unknown, which both askers can live with.
#include "chat/tool_schema.hpp"

#include <algorithm>

namespace linnet::chat {

namespace {

constexpr int kMaxDepth = 8;

bool is_text(const Value& value, std::string_view text) noexcept {
    return value.is(Kind::string) && value.view_text() == text;
}

// A list with something in it, and that holds for all of it.
template <class Holds>
bool all(const Value& list, Holds holds) noexcept {
    return list.is(Kind::list) && list.n != 0 && std::ranges::all_of(list.span(), holds);
}

// Of references into the same document, without escapes.
Value resolve(const Value& root, std::string_view reference) noexcept {
    if (!reference.starts_with("#/")) return none();
    Value at = root;
    for (reference.remove_prefix(1); !reference.empty();) {
        reference.remove_prefix(1);
        const std::size_t end = std::min(reference.find('/'), reference.size());
        at = field(at, reference.substr(0, end));
        reference.remove_prefix(end);
    }
    return at;
}

bool only_strings(const Value& root, const Value& schema, int depth) noexcept {
    if (depth > kMaxDepth || !schema.is(Kind::dict)) return false;
    const auto inner = [&](const Value& part) { return only_strings(root, part, depth + 1); };
    const auto is_string = [](const Value& value) { return value.is(Kind::string); };
    const Value type = field(schema, "type"), reference = field(schema, "$ref"), parts = field(schema, "allOf");
    if (is_text(type, "string") || all(type, [](const Value& name) { return is_text(name, "string"); })) return true;
    if (is_string(field(schema, "const")) || all(field(schema, "enum"), is_string)) return true;
    if (reference.is(Kind::string) && inner(resolve(root, reference.view_text()))) return true;
    if (parts.is(Kind::list) && std::ranges::any_of(parts.span(), inner)) return true;
    return all(field(schema, "anyOf"), inner) || all(field(schema, "oneOf"), inner);
}

}  // namespace

Value function_of(const Value& tool) noexcept {
    const Value inner = field(tool, "function");
    return inner.is(Kind::dict) ? inner : tool;
}

Value parameters_of(const Value& tools, std::string_view function) noexcept {
    if (!tools.is(Kind::list)) return none();
    for (const Value& tool : tools.span()) {
        if (is_text(field(function_of(tool), "name"), function)) return field(function_of(tool), "parameters");
    }
    return none();
}

Typing typing_of(const Value& parameters, std::string_view key) noexcept {
    const Value schema = field(field(parameters, "properties"), key);
    if (only_strings(parameters, schema, 0)) return Typing::text;
    const Value type = field(schema, "type");
    const auto is_string = [](const Value& name) { return is_text(name, "string"); };
    const bool other = type.is(Kind::string) || (type.is(Kind::list) && std::ranges::none_of(type.span(), is_string));
    return other ? Typing::other : Typing::unknown;
}

}  // namespace linnet::chat
