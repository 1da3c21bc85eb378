// SPDX-License-Identifier: MIT
// How the arguments of a call are written where that is not JSON: data, from which schema_spelling.hpp makes the
// expressions. The values, and what a schema says of them, are JSON's everywhere.
#pragma once

#include <string_view>

namespace linnet::constrain {

// Around a text that is written as it is, without escapes.
struct TextForm {
    std::string_view open, close;
    std::string_view pattern;  // of the text: a regular expression for all of it; empty: there is no such form
};

struct Notation {
    // The arguments: before_key KEY after_key VALUE after_value, with `comma` between.
    std::string_view before_key, after_key, after_value, comma;
    std::string_view key;            // pattern of the keys that can be written; empty: all of it is JSON
    TextForm texts[2] = {};          // of strings; empty: as in JSON
    bool all_texts = false;          // strings, and keys, of values inside of values as well; else those are JSON
    bool python = false;             // True, False, None
    std::string_view never[2] = {};  // what ends a text
};

}  // namespace linnet::constrain
