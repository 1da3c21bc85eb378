// SPDX-License-Identifier: MIT
// Chat templates for files that carry none: one line of data for each family, made into a template when it is used.
// They know messages of the system, the user and the assistant, and nothing else.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/memory.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet::chat {

struct Turn {
    std::string_view before, after;  // the content
};

struct Family {
    std::string_view name;
    // A file belongs to the first family whose marker is one special token of its vocabulary and whose architecture is
    // its own; an empty one says nothing, and without both a family is found by name only.
    std::string_view marker, architecture;
    bool bos = false;           // the text begins with the model's BOS
    bool trim = false;          // contents without spaces around them
    bool system_first = false;  // the system's message goes into the user's after it
    Turn system, user, assistant;
    std::string_view prompt;      // opens the assistant's turn
    std::string_view begin = {};  // what the text begins with where that is not just BOS
};

std::span<const Family> families() noexcept;
const Family* find_family(std::string_view name) noexcept;

// The one that a file belongs to, or null.
const Family* family_of(const Tokenizer& tokenizer, std::string_view architecture, Memory& memory);

// The family's template.
std::string template_of(const Family& family);

}  // namespace linnet::chat
