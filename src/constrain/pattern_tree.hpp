// SPDX-License-Identifier: MIT
// A regular expression as written: what the parser makes and pattern.cpp turns into an expression.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "constrain/json_text.hpp"

namespace linnet::constrain {

struct PatternNode {
    enum class Kind : std::uint8_t { empty, set, sequence, choice, repeat, begin, end, ahead, not_ahead };
    Kind kind = Kind::empty;
    bool looks = false;     // there is a look-ahead in it
    std::uint32_t set = 0;  // index into sets
    std::uint32_t min = 0, max = 0;
    std::uint32_t offset = 0;  // in the text
    std::vector<std::uint32_t> parts;
};

struct PatternTree {
    // Groups nested deeper are refused; what walks the tree may therefore recurse.
    static constexpr unsigned kMaxDepth = 200;
    static constexpr std::uint32_t kMaxRepeat = 1'000'000;

    std::vector<PatternNode> nodes;
    std::vector<CharSet> sets;
    std::uint32_t root = 0;
};

PatternTree parse_pattern(std::string_view pattern);

// The characters of \d, \w, \s (as ECMA has them).
CharSet class_escape(char letter);
// The characters of a Unicode property as in \p{Lu}; false when it is not known.
bool unicode_property(std::string_view name, CharSet& set);

}  // namespace linnet::constrain
