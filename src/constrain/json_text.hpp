// SPDX-License-Identifier: MIT
// JSON texts as expressions: characters in their encoding, strings, numbers and their ranges. Strings under a
// constraint have one spelling only (characters raw, escapes where JSON demands one), so that complements mean what
// they say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "constrain/dfa.hpp"

namespace linnet::constrain {

struct CharRange {
    char32_t low, high;
};

// Sorted, apart, without surrogates.
class CharSet {
  public:
    CharSet() = default;
    CharSet(std::initializer_list<CharRange> ranges) : ranges_(ranges) { normalise(); }

    void add(char32_t low, char32_t high) { ranges_.push_back({low, high}); }
    void add(const CharSet& other) { ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end()); }
    CharSet normalised() const;
    CharSet complement() const;
    const std::vector<CharRange>& ranges() const noexcept { return ranges_; }

  private:
    void normalise();
    std::vector<CharRange> ranges_;
};

enum class Encoding : std::uint8_t {
    raw,   // UTF-8
    json,  // as inside a JSON string
};

// One character of the set.
ExprId character(Exprs& exprs, const CharSet& set, Encoding encoding);
// Whether JSON demands an escape for it, inside of a string.
constexpr bool is_escaped(char32_t code) noexcept { return code < 0x20 || code == '"' || code == '\\'; }
// `text` as a JSON string, in the one spelling. Bytes that are no UTF-8 are an Error(invalid_argument).
std::string json_string(std::string_view text);
// A number without exponent as digits: sign, integer digits without leading zeros ("" for 0), fraction digits without
// trailing zeros. False for other numbers (exponents out of proportion).
struct Decimal {
    bool negative = false;
    std::string integer, fraction;
    bool zero() const noexcept { return integer.empty() && fraction.empty(); }
};
bool read_decimal(std::string_view text, Decimal& decimal);

// Expressions that every schema uses. They are made in the same order in every table, so that their ids, and those of
// the states they lead to, are the same everywhere and masks for them can be made once for a vocabulary.
struct JsonTexts {
    explicit JsonTexts(Dfa& dfa);

    // Between tokens: some blanks, then a few line ends with indentation. A model that could go on without end would.
    static constexpr std::uint32_t kMaxBlanks = 16, kMaxLines = 2, kMaxIndent = 64;

    ExprId space;
    ExprId char_any;      // a character in the one spelling
    ExprId string;        // in any spelling
    ExprId string_plain;  // in the one spelling
    ExprId number;        // any
    ExprId number_plain;  // without exponent
    ExprId integer;       // digits
    ExprId integer_zero;  // digits, perhaps with ".0"
    ExprId boolean, null;
    ExprId scalar;     // any string, number, boolean, null
    StateId n_states;  // that the Dfa has afterwards
};

// Numbers without exponent.
ExprId number_at_least(Exprs& exprs, const Decimal& bound, bool exclusive);
ExprId number_at_most(Exprs& exprs, const Decimal& bound, bool exclusive);
ExprId number_equal(Exprs& exprs, const Decimal& value);
// Non-negative digits without sign, multiples of divisor / 10^scale.
ExprId number_multiple(Exprs& exprs, std::uint64_t divisor, std::uint32_t scale);

}  // namespace linnet::constrain
