// SPDX-License-Identifier: MIT
// A conversation as a host gives it: JSON, checked before a template sees it, so that what is wrong is named by its
// JSON pointer and not by what a template happens to do with it.
#pragma once

#include <optional>
#include <string_view>

#include "chat/builtin.hpp"
#include "chat/value.hpp"

namespace linnet::chat {

struct Request {
    Value conversation;  // what render_conversation takes
    std::optional<Moment> now;
    Value messages, tools;  // lists; tools: none when there are none
};

// Fields: messages; and tools, documents, add_generation_prompt, continue_final_message, extra, now, as linnet.h
// documents them. Without the two flags a last message of the assistant that calls no tools is continued, and else the
// assistant's turn is opened. Throws Error(invalid_argument): with line and column for what is not JSON, with a JSON
// pointer for what has not this shape.
Request parse_request(Arena& arena, std::string_view json);

}  // namespace linnet::chat
