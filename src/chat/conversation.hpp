// SPDX-License-Identifier: MIT
// A conversation in the shape that OpenAI's API uses, rendered with a model's template: the variables that templates
// expect, and answers that the model is to continue.
#pragma once

#include <memory_resource>
#include <string>
#include <string_view>

#include "chat/template.hpp"
#include "chat/value.hpp"

namespace linnet::chat {

// The texts of the model's special tokens, which templates write.
struct TokenTexts {
    std::string_view bos, eos;
};

// `request` is a dict: messages (a list of dicts); and, each of which may be left out: tools, documents (lists, none by
// default), add_generation_prompt (default false), continue_final_message (default false: true ends the text right
// after that of the last message), extra (a dict of further variables). Values are made in `arena`. Throws Error: of
// the template, or invalid_argument naming the field that is wrong. The limits grow with what `arena` holds, which is
// the request: a long conversation may take longer.
std::pmr::string render_conversation(const Template& chat_template, const Value& request, const TokenTexts& tokens,
                                     const RenderOptions& options, Arena& arena);

}  // namespace linnet::chat
