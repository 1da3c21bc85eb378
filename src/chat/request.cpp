// SPDX-License-Identifier: MIT
// What is checked is what OpenAI's API promises of messages and tools; fields beyond it pass, for templates read some.
#include "chat/request.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "chat/parse_json.hpp"
#include "chat/strftime.hpp"

namespace linnet::chat {

namespace {

// A place in the document, linked to the one around it: only a failure makes text of it.
struct Place {
    const Place* parent = nullptr;
    std::string_view key;   // of an object
    std::size_t index = 0;  // of a list, when there is no key

    std::string pointer() const {
        if (parent == nullptr) return {};
        std::string text = parent->pointer() + '/';  // as deep as the checks below go
        if (key.empty()) return text + std::to_string(index);
        for (const char c : key) {
            if (c == '~' || c == '/') {
                text += c == '~' ? "~0" : "~1";
            } else {
                text += c;
            }
        }
        return text;
    }
};

constexpr std::string_view json_name(Kind kind) noexcept {
    switch (kind) {
        case Kind::none: return "null";
        case Kind::boolean: return "a boolean";
        case Kind::integer:
        case Kind::big:
        case Kind::real: return "a number";
        case Kind::string: return "a string";
        case Kind::list: return "an array";
        case Kind::dict: return "an object";
        default: return "missing";
    }
}

using Kinds = std::initializer_list<Kind>;
constexpr Kinds kOptionalFlag = {Kind::undefined, Kind::none, Kind::boolean};
constexpr Kinds kOptionalText = {Kind::undefined, Kind::none, Kind::string};
constexpr Kinds kOptionalList = {Kind::undefined, Kind::none, Kind::list};
constexpr Kinds kOptionalDict = {Kind::undefined, Kind::none, Kind::dict};

void require_kind(const Value& value, Kinds kinds, const Place& place) {
    if (std::find(kinds.begin(), kinds.end(), value.kind) != kinds.end()) return;
    std::string wanted;
    for (const Kind kind : kinds) {
        if (kind == Kind::undefined) continue;
        if (!wanted.empty()) wanted += " or ";
        wanted += json_name(kind);
    }
    const std::string pointer = place.pointer();
    const std::string_view shown = pointer.empty() ? "the conversation" : std::string_view(pointer);
    throw Error(Status::invalid_argument, "{} must be {}, it is {}", shown, wanted, json_name(value.kind));
}

// The field, undefined when there is none.
Value checked_field(const Value& dict, std::string_view name, Kinds kinds, const Place& parent) {
    const Value* const found = find(*dict.dict, name);
    const Value value = found != nullptr ? *found : Value();
    require_kind(value, kinds, {&parent, name});
    return value;
}

template <class Check>
void for_each(const Value& list, const Place& place, Check check) {
    if (!list.is(Kind::list)) return;
    for (std::size_t i = 0; i < list.n; ++i) {
        const Place item{&place, {}, i};
        require_kind(list.items[i], {Kind::dict}, item);
        check(list.items[i], item);
    }
}

void check_tool_call(const Value& call, const Place& place) {
    const Value function = checked_field(call, "function", {Kind::dict}, place);
    const Place inside{&place, "function"};
    checked_field(function, "name", {Kind::string}, inside);
    checked_field(function, "arguments", {Kind::undefined, Kind::none, Kind::string, Kind::dict}, inside);
}

void check_message(const Value& message, const Place& place) {
    checked_field(message, "role", {Kind::string}, place);
    const Value content =
        checked_field(message, "content", {Kind::undefined, Kind::none, Kind::string, Kind::list}, place);
    for_each(content, {&place, "content"}, [](const Value& part, const Place& at) {
        const Value type = checked_field(part, "type", {Kind::string}, at);
        if (type.view_text() == "text") checked_field(part, "text", {Kind::string}, at);
    });
    const Value calls = checked_field(message, "tool_calls", kOptionalList, place);
    for_each(calls, {&place, "tool_calls"}, check_tool_call);
    checked_field(message, "reasoning_content", kOptionalText, place);
}

// {"type": "function", "function": {...}}, or the function itself, as some templates take it.
void check_tool(const Value& tool, const Place& place) {
    const Value function = checked_field(tool, "function", kOptionalDict, place);
    const Place inside{&place, "function"};
    const bool wrapped = function.is(Kind::dict);
    const Value& body = wrapped ? function : tool;
    checked_field(body, "name", {Kind::string}, wrapped ? inside : place);
    checked_field(body, "parameters", kOptionalDict, wrapped ? inside : place);
}

bool continues(const Value& messages) noexcept {
    if (messages.n == 0) return false;
    const Dict& last = *messages.items[messages.n - 1].dict;
    const Value *const calls = find(last, "tool_calls"), *const content = find(last, "content");
    return find(last, "role")->view_text() == "assistant" && (calls == nullptr || calls->n == 0) &&
           content != nullptr && content->n != 0;
}

}  // namespace

Request parse_request(Arena& arena, std::string_view json) {
    Request request;
    request.conversation = parse_json(arena, json, "conversation");
    const Value& root = request.conversation;
    const Place top;
    require_kind(root, {Kind::dict}, top);
    constexpr std::string_view kFields[] = {
        "messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "extra", "now"};
    for (const Entry& entry : root.dict->span()) {
        const std::string_view name = entry.key.view_text();
        if (std::find(std::begin(kFields), std::end(kFields), name) != std::end(kFields)) continue;
        throw Error(Status::invalid_argument,
                    "{} is no field of a conversation; variables of a template go into /extra",
                    Place{&top, name}.pointer());
    }
    request.messages = checked_field(root, "messages", {Kind::list}, top);
    for_each(request.messages, {&top, "messages"}, check_message);
    request.tools = checked_field(root, "tools", kOptionalList, top);
    for_each(request.tools, {&top, "tools"}, check_tool);
    checked_field(root, "documents", kOptionalList, top);
    checked_field(root, "extra", kOptionalDict, top);
    const Value add = checked_field(root, "add_generation_prompt", kOptionalFlag, top);
    const Value go_on = checked_field(root, "continue_final_message", kOptionalFlag, top);
    const bool adds = add.is(Kind::boolean) && add.boolean, goes_on = go_on.is(Kind::boolean) && go_on.boolean;
    if (adds && goes_on) {
        throw Error(Status::invalid_argument, "/continue_final_message and /add_generation_prompt exclude each other");
    }
    if (!add.is(Kind::boolean) && !go_on.is(Kind::boolean)) {
        const bool last = continues(request.messages);
        set(arena, *root.dict, borrowed("continue_final_message"), boolean(last));
        set(arena, *root.dict, borrowed("add_generation_prompt"), boolean(!last));
    }
    const Value now = checked_field(root, "now", kOptionalText, top);
    if (now.is(Kind::string)) {
        try {
            request.now = parse_moment(now.view_text());
        } catch (const Error& error) {
            throw Error(error.status(), "/now: {}", error.what());
        }
    }
    return request;
}

}  // namespace linnet::chat
