// SPDX-License-Identifier: MIT
// Messages in the shape that a template can show: OpenAI's API has two for contents and for the arguments of calls,
// most templates know one of them. Which one is found out by rendering a small conversation, only when it matters.
#pragma once

#include "chat/conversation.hpp"
#include "chat/request.hpp"

namespace linnet::chat {

// Lists of text parts become one text, their parts on lines of their own, where the template shows no lists; arguments
// that are the text of an object become the object, or the other way round, where the template shows only that.
// Everything else stays. Values are made in `arena`.
void adapt(const Template& chat_template, const TokenTexts& tokens, Request& request, Arena& arena);

}  // namespace linnet::chat
