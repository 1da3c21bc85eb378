// SPDX-License-Identifier: MIT
// What a host's conversation may look like, and how what is wrong is named.
#include "chat/request.hpp"

#include <doctest/doctest.h>

#include "base/memory.hpp"
#include "chat/support.hpp"

namespace chat = linnet::chat;

namespace {

std::string error_of(std::string_view json) {
    return chat_test::outcome([&](linnet::Memory& memory) {
               chat::Arena arena(memory, 1 << 20, 1 << 20);
               (void)chat::parse_request(arena, json);
               return std::string();
           })
        .error;
}

// What the template is told: "prompt", "continue" or nothing.
std::string ending_of(std::string_view json) {
    return chat_test::outcome([&](linnet::Memory& memory) {
               chat::Arena arena(memory, 1 << 20, 1 << 20);
               const chat::Request request = chat::parse_request(arena, json);
               const auto is_set = [&](std::string_view name) {
                   const chat::Value* const value = chat::find(*request.conversation.dict, name);
                   return value != nullptr && chat::truth(*value);
               };
               return std::string(is_set("add_generation_prompt") ? "prompt" : "") +
                      (is_set("continue_final_message") ? "continue" : "");
           })
        .text;
}

}  // namespace

TEST_CASE("request: what is wrong is named by line and column, or by its JSON pointer") {
    struct Case {
        const char *json, *error;
    };
    constexpr Case kCases[] = {
        {R"({"messages": []})", ""},
        {R"({"messages": [{"role": "user"}]})", ""},
        {R"({"messages": [{"role": "user", "content": [{"type": "image", "url": 3}]}]})", ""},
        {R"({"messages": [], "tools": null, "documents": [], "extra": {"enable_thinking": false}, "now": null})", ""},
        {R"({"messages": [], "tools": [{"type": "function", "function": {"name": "f"}}, {"name": "g"}]})", ""},
        {"{\"messages\":\n [}", "conversation: line 2, column 3: not JSON at '\"messages\":<U+000A> [}'"},
        {"", "conversation: line 1, column 1: not JSON at ''"},
        {"[]", "the conversation must be an object, it is an array"},
        {"{}", "/messages must be an array, it is missing"},
        {R"({"messages": {}})", "/messages must be an array, it is an object"},
        {R"({"messages": [{"role": "user"}, 7]})", "/messages/1 must be an object, it is a number"},
        {R"({"messages": [{}]})", "/messages/0/role must be a string, it is missing"},
        {R"({"messages": [{"role": "user", "content": 1.5}]})",
         "/messages/0/content must be null or a string or an array, it is a number"},
        {R"({"messages": [{"role": "user", "content": ["a"]}]})",
         "/messages/0/content/0 must be an object, it is a string"},
        {R"({"messages": [{"role": "user", "content": [{"type": "text"}]}]})",
         "/messages/0/content/0/text must be a string, it is missing"},
        {R"({"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]})",
         "/messages/0/tool_calls/0/function/name must be a string, it is missing"},
        {R"({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": []}}]}]})",
         "/messages/0/tool_calls/0/function/arguments must be null or a string or an object, it is an array"},
        {R"({"messages": [], "tools": [{"type": "function"}]})", "/tools/0/name must be a string, it is missing"},
        {R"({"messages": [], "tools": [{"function": {"name": true}}]})",
         "/tools/0/function/name must be a string, it is a boolean"},
        {R"({"messages": [], "extra": []})", "/extra must be null or an object, it is an array"},
        {R"({"messages": [], "documents": {}})", "/documents must be null or an array, it is an object"},
        {R"({"messages": [], "add_generation_prompt": "yes"})",
         "/add_generation_prompt must be null or a boolean, it is a string"},
        {R"({"messages": [], "add_generation_prompt": true, "continue_final_message": true})",
         "/continue_final_message and /add_generation_prompt exclude each other"},
        {R"({"messages": [], "enable_thinking": false})",
         "/enable_thinking is no field of a conversation; variables of a template go into /extra"},
        {R"({"messages": [], "a/b~c": 1})",
         "/a~1b~0c is no field of a conversation; variables of a template go into /extra"},
        {R"({"messages": [], "now": "tomorrow"})", "/now: 'tomorrow' is no time like 2025-03-09T15:04:05"},
    };
    for (const Case& c : kCases) CHECK(error_of(c.json) == c.error);
    const std::string deep = R"({"messages": [], "extra": {"x": )" + std::string(100, '[');
    CHECK(error_of(deep).find("nested") != std::string::npos);
}

TEST_CASE("request: the assistant's turn is opened, unless its own message is last") {
    CHECK(ending_of(R"({"messages": [{"role": "user", "content": "a"}]})") == "prompt");
    CHECK(ending_of(R"({"messages": [{"role": "assistant", "content": "a"}]})") == "continue");
    CHECK(ending_of(R"({"messages": [{"role": "assistant", "content": "a", "tool_calls": []}]})") == "continue");
    CHECK(ending_of(R"({"messages": [{"role": "assistant", "content": ""}]})") == "prompt");
    CHECK(ending_of(R"({"messages": [{"role": "assistant", "content": "a", "tool_calls": [
        {"type": "function", "function": {"name": "f", "arguments": "{}"}}]}]})") == "prompt");
    CHECK(ending_of(R"({"messages": [{"role": "assistant", "content": "", "tool_calls": [
        {"type": "function", "function": {"name": "f", "arguments": "{}"}}]}]})") == "prompt");
    CHECK(ending_of(R"({"messages": [{"role": "assistant", "content": "a"}], "add_generation_prompt": true})") ==
          "prompt");
    CHECK(ending_of(R"({"messages": [{"role": "user", "content": "a"}], "add_generation_prompt": false})").empty());
    CHECK(ending_of(R"({"messages": [{"role": "user", "content": "a"}], "continue_final_message": true})") ==
          "continue");
}
