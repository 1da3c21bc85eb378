// SPDX-License-Identifier: MIT
// A text as windows of tokens, cut by the rule of llama.cpp's tools so that figures can be compared: the text (without
// one final newline) is tokenised as a whole, control tokens as plain text; a rest is dropped; each window begins with
// the begin token in the place of its first token, if the model adds one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/model.hpp"

namespace tools {

struct Windows {
    std::vector<linnet::Token> tokens;  // [n][n_ctx]
    std::size_t n_tokens = 0;           // of the text
    std::size_t n_ctx = 0;
    std::size_t n = 0;

    std::span<const linnet::Token> window(std::size_t i) const { return {tokens.data() + i * n_ctx, n_ctx}; }
};

// UsageError when there are fewer than n_least windows.
Windows read_windows(const linnet::Model& model, const std::string& path, std::size_t n_ctx, std::size_t n_least);

}  // namespace tools
