// SPDX-License-Identifier: MIT
// What models write between the markers of a tool call, read into names and arguments.
#pragma once

#include <string_view>
#include <vector>

#include "chat/value.hpp"

namespace linnet::chat {

struct ToolCall {
    std::string_view name, id;  // id: empty when the model gave none
    Value arguments;            // a dict
};

// Accepts, whatever the format of the reply: JSON objects {"name", "arguments"} by themselves, in an array or one after
// the other; NAME and JSON with a family's separator between them; <function=NAME> and <parameter=KEY> tags; <arg_key>
// pairs; calls as in Python, f(x=1); call:NAME{key:value}. With `name` the payload is the arguments of that function.
// `tools` (a list, or none) tells which arguments are strings where the text does not. Views are of `payload` or of
// the arena. Throws Error saying what is wrong.
std::vector<ToolCall> parse_tool_calls(Arena& arena, std::string_view payload, std::string_view name,
                                       const Value& tools);

}  // namespace linnet::chat
