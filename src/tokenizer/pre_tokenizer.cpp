// SPDX-License-Identifier: MIT
// The two scanners and the chain of stages. Every function takes p < end and returns the end of its match, or null
// where there is none; a failed attempt at one position costs a bounded number of characters, or is followed by
// an alternative that consumes what was looked at, so that the whole is linear.
#include "tokenizer/pre_tokenizer.hpp"

#include "tokenizer/utf8.hpp"

namespace linnet {
namespace {

using unicode::Mask;

struct Glyph {
    char32_t code;
    Mask mask;
    const char* end;
};

inline Glyph glyph(const char* p, const char* end) noexcept {
    const auto byte = static_cast<unsigned char>(*p);
    if (byte < 0x80) return {byte, unicode::kAsciiMasks[byte], p + 1};
    const utf8::Char c = utf8::read(p, end);
    return {c.code, unicode::non_ascii_mask(c.code), p + c.size};
}

// The end of the run of characters with one of `any` and none of `none`; `p` itself when there is none.
inline const char* skip(const char* p, const char* end, Mask any, Mask none = 0) noexcept {
    while (p != end) {
        const Glyph g = glyph(p, end);
        if ((g.mask & any) == 0 || (g.mask & none) != 0) break;
        p = g.end;
    }
    return p;
}

// 's 't 're 've 'm 'll 'd
const char* contraction(const char* p, const char* end, bool any_case) noexcept {
    if (*p != '\'' || end - p < 2) return nullptr;
    const auto letter = [=](std::ptrdiff_t i) {
        const char c = p[i];
        return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    const char first = letter(1);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return p + 2;
    if (end - p < 3) return nullptr;
    const char second = letter(2);
    if ((first == 'r' || first == 'v') && second == 'e') return p + 3;
    if (first == 'l' && second == 'l') return p + 3;
    // U+017F, the long s, is an s to whoever ignores case.
    if (any_case && p[1] == '\xC5' && p[2] == '\xBF') return p + 3;
    return nullptr;
}

// upper* lower+ (upper_only = false) or, once that has failed, upper+ lower* (upper_only = true).
const char* cased_word(const WordPattern& pattern, const char* p, const char* end, bool upper_only) noexcept {
    const char* both_end = nullptr;  // after the last character of upper* that is in lower as well
    const char* q = p;
    while (q != end) {
        const Glyph g = glyph(q, end);
        if ((g.mask & pattern.upper) == 0 || pattern.apart.has(g.code, g.mask)) break;
        q = g.end;
        if (g.mask & pattern.lower) both_end = q;
    }
    if (upper_only) return q == p ? nullptr : q;
    const char* tail = q;
    while (tail != end) {
        const Glyph g = glyph(tail, end);
        if ((g.mask & pattern.lower) == 0 || pattern.apart.has(g.code, g.mask)) break;
        tail = g.end;
    }
    // Where nothing is left for lower+, upper* gives back until it can have one character.
    return tail != q ? tail : both_end;
}

const char* word(const WordPattern& pattern, const char* p, const Glyph& first, const char* end) noexcept {
    const bool prefixed = first.end != end && pattern.prefix.has(first.code, first.mask);
    if (pattern.upper == 0) {
        if (prefixed) {
            const char* q = skip(first.end, end, pattern.lower);
            if (q != first.end) return q;
        }
        return (first.mask & pattern.lower) != 0 ? skip(first.end, end, pattern.lower) : nullptr;
    }
    const bool bare = (first.mask & (pattern.upper | pattern.lower)) != 0;
    for (const bool upper_only : {false, true}) {
        const char* q = prefixed ? cased_word(pattern, first.end, end, upper_only) : nullptr;
        if (q == nullptr && bare) q = cased_word(pattern, p, end, upper_only);
        if (q == nullptr) continue;
        const bool suffix = pattern.contractions == WordPattern::Contractions::suffix && q != end;
        const char* with_suffix = suffix ? contraction(q, end, true) : nullptr;
        return with_suffix != nullptr ? with_suffix : q;
    }
    return nullptr;
}

// \s*[\r\n]+ | \s+(?!\S) | \s+
const char* white_space(bool newlines, const char* p, const char* end) noexcept {
    const char* q = p;
    const char* last = p;  // start of the run's last character
    const char* newline_end = nullptr;
    while (q != end) {
        const Glyph g = glyph(q, end);
        if ((g.mask & unicode::kSpace) == 0) break;
        last = q;
        q = g.end;
        if (g.mask & unicode::kNewline) newline_end = q;
    }
    if (newlines && newline_end != nullptr) return newline_end;
    if (q == end || last == p) return q == p ? nullptr : q;
    return last;
}

const char* match_run(const RunPattern& run, const char* p, const char* end) noexcept {
    std::uint32_t n = 0;
    while (p != end && n < run.max) {
        const Glyph g = glyph(p, end);
        if (!run.set.has(g.code, g.mask)) break;
        p = g.end;
        ++n;
    }
    return n >= run.min ? p : nullptr;
}

const char* match(const WordPattern& pattern, const char* p, const char* end) noexcept {
    using Contractions = WordPattern::Contractions;
    if (const char* q = match_run({pattern.apart}, p, end)) return q;
    if (pattern.contractions == Contractions::lower || pattern.contractions == Contractions::any_case) {
        if (const char* q = contraction(p, end, pattern.contractions == Contractions::any_case)) return q;
    }
    const Glyph first = glyph(p, end);
    if (pattern.punctuated_word && (first.mask & unicode::kAsciiPunct)) {
        const char* q = skip(first.end, end, unicode::kAsciiLetter);
        if (q != first.end) return q;
    }
    if (const char* q = word(pattern, p, first, end)) return q;
    const bool blank = (first.mask & unicode::kBlank) != 0 && first.end != end;
    if (pattern.max_digits != 0) {
        const char* q = blank && pattern.blank_before_digits ? first.end : p;
        const char* const start = q;
        for (std::uint32_t n = 0; n < pattern.max_digits && q != end; ++n) {
            const Glyph g = glyph(q, end);
            if ((g.mask & unicode::kN) == 0) break;
            q = g.end;
        }
        if (q != start) return q;
    }
    const char* const start = blank ? first.end : p;
    const char* q = skip(start, end, pattern.symbols.any, pattern.symbols.none);
    if (q != start) return skip(q, end, pattern.trail);
    return white_space(pattern.newlines, p, end);
}

const char* match(const RunPattern& run, const char* p, const char* end) noexcept {
    if (run.space_before) {
        const Glyph first = glyph(p, end);
        if ((first.mask & unicode::kSpace) != 0) {
            if (const char* q = match_run(run, first.end, end)) return q;
        }
    }
    return match_run(run, p, end);
}

// The end of the first piece of [p, end): of the match at p, or of what is in front of the first match.
template <class Pattern>
const char* first_piece(const Pattern& pattern, const char* p, const char* end) noexcept {
    if (const char* q = match(pattern, p, end)) return q;
    do {
        p = glyph(p, end).end;
    } while (p != end && match(pattern, p, end) == nullptr);
    return p;
}

// The same for a run that must reach the end: found in one pass instead of one attempt per position.
const char* before_final_run(const RunPattern& run, const char* p, const char* end) noexcept {
    const char* start = p;  // of the run that the scan is in
    for (const char* q = p; q != end;) {
        const Glyph g = glyph(q, end);
        q = g.end;
        if (!run.set.has(g.code, g.mask)) start = q;
    }
    return start == p ? end : start;
}

const char* first_piece(const Stage& stage, const char* p, const char* end) noexcept {
    if (stage.words != nullptr) return first_piece(*stage.words, p, end);
    return stage.run->at_end ? before_final_run(*stage.run, p, end) : first_piece(*stage.run, p, end);
}

}  // namespace

WordScanner::WordScanner(const PreTokenizerRule& rule, std::string_view text) noexcept
    : stages_(rule.stages), at_(text.data()), end_(text.data() + text.size()) {
    piece_end_.fill(at_);
}

bool WordScanner::next(std::string_view& word) noexcept {
    if (at_ == end_) return false;
    // The innermost stage whose piece is not used up; the stages within it start a new piece each.
    std::size_t depth = stages_.size();
    while (depth > 0 && piece_end_[depth - 1] == at_) --depth;
    const char* limit = depth > 0 ? piece_end_[depth - 1] : end_;
    for (; depth < stages_.size(); ++depth) {
        limit = first_piece(stages_[depth], at_, limit);
        piece_end_[depth] = limit;
    }
    word = {at_, static_cast<std::size_t>(limit - at_)};
    at_ = limit;
    return true;
}

}  // namespace linnet
