// SPDX-License-Identifier: MIT
// Regular expressions as ECMA 262 writes them (what JSON schema's "pattern" holds), read into expressions. Not regular,
// hence refused: back references. Refused as well: word boundaries, look-behind, look-ahead inside a repetition.
#pragma once

#include <string_view>

#include "constrain/json_text.hpp"

namespace linnet::constrain {

// JSON strings (in the one spelling, with their quotes) in which `pattern` is found somewhere.
// Errors are Error(invalid_argument), or Error(unsupported), with the offset in the pattern.
ExprId json_pattern(Exprs& exprs, const JsonTexts& texts, std::string_view pattern);

// Texts that `pattern` matches from the first character to the last.
ExprId whole_pattern(Exprs& exprs, std::string_view pattern);

}  // namespace linnet::constrain
