// SPDX-License-Identifier: MIT
// Cutting text into the words within which byte-level BPE merges. What published tokenizers state as regular
// expressions is data here: a Rule is a chain of stages, each cutting the pieces of the stage before, and a stage is
// one of two scanners with parameters. Every scanner is linear, needs no memory and does what a backtracking
// engine would find (leftmost, first alternative).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "tokenizer/unicode.hpp"

namespace linnet {

// Characters by class (one of `any`, none of `none`) or by range.
struct CharSet {
    unicode::Mask any = 0;
    unicode::Mask none = 0;
    struct Range {
        char32_t first, last;
    };
    std::span<const Range> ranges = {};  // ascending

    bool has(char32_t code, unicode::Mask mask) const noexcept {
        if ((mask & any) != 0 && (mask & none) == 0) return true;
        for (const Range& range : ranges) {
            if (code <= range.last) return code >= range.first;
        }
        return false;
    }
};

// The alternatives of GPT-2's expression and of all its descendants, in their order:
//   apart+ | contraction | punctuation + ASCII word | prefix? word contraction? | digits | ' '? symbols trail* |
//   \s*[\r\n]+ | \s+(?!\S) | \s+
struct WordPattern {
    enum class Contractions : std::uint8_t {
        none,
        lower,     // 's 't 're 've 'm 'll 'd as words of their own
        any_case,  // likewise, ignoring case
        suffix,    // as the end of a word, ignoring case
    };
    Contractions contractions = Contractions::none;
    CharSet apart = {};            // characters that cased words have none of
    bool punctuated_word = false;  // [ASCII punctuation][A-Za-z]+
    CharSet prefix;                // one optional character before a word
    unicode::Mask upper = 0;       // 0: word = lower+
    unicode::Mask lower = 0;       // else: word = upper* lower+ | upper+ lower*
    std::uint32_t max_digits = 0;  // 0: no such alternative
    bool blank_before_digits = false;
    CharSet symbols;
    unicode::Mask trail = 0;
    bool newlines = false;  // whether \s*[\r\n]+ is among the alternatives
};

// A run of `min` to `max` characters of a set.
struct RunPattern {
    CharSet set;
    std::uint32_t min = 1, max = ~0u;
    bool space_before = false;  // \s? in front
    bool at_end = false;        // only where it reaches the end of the piece
};

// Cuts a piece into matches and what is between them.
struct Stage {
    const WordPattern* words = nullptr;  // one of the two
    const RunPattern* run = nullptr;
};

struct PreTokenizerRule {
    static constexpr std::size_t kMaxStages = 8;
    std::span<const Stage> stages;
    bool nfc = false;            // the text is normalised first
    bool ignore_merges = false;  // a word which is a token is that token, whatever the merges say
    bool add_bos = false;        // where the file does not say
};

// By tokenizer.ggml.pre; null for names that are not known.
const PreTokenizerRule* find_pre_tokenizer(std::string_view name) noexcept;

// The words of `text`, one after the other.
class WordScanner {
  public:
    WordScanner(const PreTokenizerRule& rule, std::string_view text) noexcept;
    // False at the end of the text.
    bool next(std::string_view& word) noexcept;

  private:
    std::span<const Stage> stages_;
    const char* at_;
    const char* end_;
    std::array<const char*, PreTokenizerRule::kMaxStages> piece_end_;  // of the current piece of each stage
};

}  // namespace linnet
