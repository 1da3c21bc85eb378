// SPDX-License-Identifier: MIT
// A grammar for tool calls: what a model writes when it calls one of the tools, in its own format of replies, with
// arguments that satisfy the tool's schema. What it lets through, chat::Reply reads back as such calls.
#pragma once

#include <memory_resource>
#include <string>
#include <string_view>

#include "chat/reply_format.hpp"
#include "constrain/grammar.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

struct ToolGrammar {
    constrain::Grammar grammar;
    // What the call begins with up to its last control token, which no grammar can write: to be appended first.
    std::pmr::string opening;
};

// tools: JSON, as in a conversation. many: one call or more, where the format has several. Throws Error:
// invalid_argument with line and column, or a JSON pointer; unsupported, with the format's name, for keywords that
// cannot be enforced, for names and strings that the format cannot write, for formats with control tokens inside of
// arguments, and with those behind the name when there is more than one tool.
ToolGrammar tool_grammar(const Tokenizer& tokenizer, const chat::ReplyFormat& format, std::string_view tools, bool many,
                         Memory& memory);

}  // namespace linnet
