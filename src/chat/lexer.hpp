// SPDX-License-Identifier: MIT
// Template text to tokens: text between tags with Jinja's whitespace control applied (trim_blocks and lstrip_blocks are
// on, as transformers sets them), and what is inside of tags.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "chat/arena.hpp"

namespace linnet::chat {

enum class TokenKind : std::uint8_t {
    data,
    print_begin,
    print_end,
    block_begin,
    block_end,
    name,
    string,  // text: without quotes, escapes replaced
    integer,
    real,
    sign,  // operators and brackets
    end,
};

struct Token {
    TokenKind kind;
    std::uint32_t offset;
    std::string_view text;

    bool is(TokenKind k, std::string_view t) const noexcept { return kind == k && text == t; }
    bool is_name(std::string_view t) const noexcept { return is(TokenKind::name, t); }
    bool is_sign(std::string_view t) const noexcept { return is(TokenKind::sign, t); }
};

// `source` has \n line ends and outlives the tokens. The last token is `end`. Throws Error(bad_file).
std::vector<Token> tokenize(Arena& arena, std::string_view source);

[[noreturn]] void throw_syntax(std::string_view source, std::size_t offset, std::string_view message);

}  // namespace linnet::chat
