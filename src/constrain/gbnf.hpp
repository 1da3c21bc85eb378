// SPDX-License-Identifier: MIT
// GBNF (llama.cpp's grammars) as written: rules of literals, character classes, references, sequences, alternatives and
// repetitions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "constrain/grammar.hpp"

namespace linnet::constrain {

struct GbnfNode {
    enum class Kind : std::uint8_t { text, reference, sequence, choice, repeat };
    Kind kind = Kind::sequence;
    ExprId expr = Exprs::kEmpty;  // text
    std::uint32_t rule = 0;       // reference
    std::uint32_t min = 0, max = 0;
    std::vector<std::uint32_t> parts;
};

struct GbnfRule {
    std::string name;
    std::uint32_t body = kNoId;  // kNoId until it is defined
    std::uint32_t line = 0;      // where it is first named
};

struct GbnfTree {
    static constexpr unsigned kMaxDepth = 200;  // of parentheses; what walks a rule may recurse

    std::vector<GbnfNode> nodes;
    std::vector<GbnfRule> rules;
    std::uint32_t root = 0;  // the rule of that name
};

// Throws Error(invalid_argument) with line and column, Error(unsupported) for tokens in angle brackets.
GbnfTree parse_gbnf(std::string_view text, Exprs& exprs, const GrammarLimits& limits);

}  // namespace linnet::constrain
