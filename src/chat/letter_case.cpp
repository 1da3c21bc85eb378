// SPDX-License-Identifier: MIT
// Case mapping over generated tables: a character's special mapping (to several) goes before its simple one. Invalid
// bytes are kept as they are. Final sigma is the one mapping that looks at its neighbours.
#include "chat/letter_case.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "tokenizer/unicode.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::chat {

namespace {

struct CaseRange {
    char32_t first, last;
    std::uint32_t stride;
    std::int32_t delta;
};

struct SpecialCase {
    char32_t code;
    char32_t mapped[3];
};

#include "chat/case_tables.inc"

constexpr char32_t kSigma = 0x3A3, kFinalSigma = 0x3C2;

char32_t mapped(std::span<const CaseRange> ranges, char32_t code) noexcept {
    const auto after = std::upper_bound(ranges.begin(), ranges.end(), code,
                                        [](char32_t c, const CaseRange& range) { return c < range.first; });
    // Ranges of stride 2 may interleave with single ones before them.
    for (auto it = after; it != ranges.begin() && after - it < 3;) {
        --it;
        if (code <= it->last && (code - it->first) % it->stride == 0) {
            return static_cast<char32_t>(static_cast<std::int32_t>(code) + it->delta);
        }
    }
    return code;
}

const SpecialCase* find_special(std::span<const SpecialCase> table, char32_t code) noexcept {
    const auto it = std::lower_bound(table.begin(), table.end(), code,
                                     [](const SpecialCase& entry, char32_t c) { return entry.code < c; });
    return it != table.end() && it->code == code ? &*it : nullptr;
}

void append_code(Text& text, char32_t code) {
    char buffer[4];
    text.append(std::string_view(buffer, utf8::write(code, buffer)));
}

void append_mapped(Text& text, char32_t code, LetterCase letter_case) {
    const SpecialCase* const special = letter_case == LetterCase::upper   ? find_special(kUpperSpecial, code)
                                       : letter_case == LetterCase::lower ? find_special(kLowerSpecial, code)
                                                                          : find_special(kTitleSpecial, code);
    if (special != nullptr) {
        for (const char32_t part : special->mapped) {
            if (part != 0) append_code(text, part);
        }
        return;
    }
    if (letter_case == LetterCase::lower) return append_code(text, mapped(kLowerRanges, code));
    if (letter_case == LetterCase::title) {
        const auto* const range = std::find_if(std::begin(kTitleRanges), std::end(kTitleRanges), [&](const auto& r) {
            return code >= r.first && code <= r.last && (code - r.first) % r.stride == 0;
        });
        if (range != std::end(kTitleRanges)) {
            return append_code(text, static_cast<char32_t>(static_cast<std::int32_t>(code) + range->delta));
        }
    }
    append_code(text, mapped(kUpperRanges, code));
}

bool is_cased(char32_t code) noexcept { return is_upper(code) || is_lower(code); }

// Calls each(code, the character's bytes, the bytes before it and after it).
template <class Each>
void for_each_character(std::string_view source, Each each) {
    const char* const end = source.data() + source.size();
    for (const char* p = source.data(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        const auto before = static_cast<std::size_t>(p - source.data());
        each(c, std::string_view(p, c.size), source.substr(0, before), source.substr(before + c.size));
        p += c.size;
    }
}

// A sigma that ends a word. Combining marks and the like between are passed over, as long as they are few.
bool is_final(std::string_view before, std::string_view after) noexcept {
    constexpr int kFew = 8;
    bool follows = false;
    for (int i = 0; i < kFew && !before.empty() && !follows; ++i) {
        const std::string_view c = last_character(before);
        const char32_t code = utf8::read(c.data(), c.data() + c.size()).code;
        follows = is_cased(code);
        if (!follows && (unicode::mask(code) & (unicode::kM | unicode::kLm)) == 0 && code != '\'' && code != '.') break;
        before.remove_suffix(c.size());
    }
    if (!follows) return false;
    for (int i = 0; i < kFew && !after.empty(); ++i) {
        const utf8::Char c = utf8::read(after.data(), after.data() + after.size());
        if (is_cased(c.code)) return false;
        if ((unicode::mask(c.code) & (unicode::kM | unicode::kLm)) == 0 && c.code != '\'' && c.code != '.') break;
        after.remove_prefix(c.size);
    }
    return true;
}

void append_one(Text& text, const utf8::Char& c, std::string_view bytes, std::string_view before,
                std::string_view after, LetterCase letter_case) {
    if (c.status != utf8::Status::valid) {
        text.append(bytes);
    } else if (c.code == kSigma && letter_case == LetterCase::lower && is_final(before, after)) {
        append_code(text, kFinalSigma);
    } else {
        append_mapped(text, c.code, letter_case);
    }
}

}  // namespace

void append_case(Text& text, std::string_view source, LetterCase letter_case) {
    // ASCII in runs, which is most of all text.
    const char first = letter_case == LetterCase::lower ? 'A' : 'a';
    std::string run;
    std::size_t at = 0;
    for (std::size_t end = 0; end < source.size();) {
        const auto plain = [&](char c) { return static_cast<unsigned char>(c) < 0x80; };
        while (end < source.size() && plain(source[end])) ++end;
        run.assign(source, at, end - at);
        for (char& c : run) c = c >= first && c < first + 26 ? static_cast<char>(c ^ 0x20) : c;
        text.arena().spend(run.size() / 4);
        text.append(run);
        at = end;
        while (end < source.size() && !plain(source[end])) ++end;
        text.arena().spend(end - at);
        for_each_character(source.substr(at, end - at), [&](const utf8::Char& c, auto bytes, auto before, auto) {
            const std::size_t begin = at + before.size();
            append_one(text, c, bytes, source.substr(0, begin), source.substr(begin + bytes.size()), letter_case);
        });
        at = end;
    }
}

void append_capitalized(Text& text, std::string_view source) {
    text.arena().spend(source.size());
    for_each_character(source, [&](const utf8::Char& c, auto bytes, auto before, auto after) {
        append_one(text, c, bytes, before, after, before.empty() ? LetterCase::title : LetterCase::lower);
    });
}

void append_title(Text& text, std::string_view source) {
    text.arena().spend(source.size());
    bool in_word = false;
    for_each_character(source, [&](const utf8::Char& c, auto bytes, auto before, auto after) {
        append_one(text, c, bytes, before, after, in_word ? LetterCase::lower : LetterCase::title);
        in_word = is_cased(c.code);
    });
}

void append_swapped(Text& text, std::string_view source) {
    text.arena().spend(source.size());
    for_each_character(source, [&](const utf8::Char& c, auto bytes, auto before, auto after) {
        if (!is_cased(c.code)) return text.append(bytes);
        append_one(text, c, bytes, before, after, is_upper(c.code) ? LetterCase::lower : LetterCase::upper);
    });
}

bool is_upper(char32_t code) noexcept { return (unicode::mask(code) & (unicode::kLu | unicode::kLt)) != 0; }

bool is_lower(char32_t code) noexcept {
    return (unicode::mask(code) & unicode::kLl) != 0 || code == 0xAA || code == 0xBA;
}

bool is_space(char32_t code) noexcept {
    return (unicode::mask(code) & unicode::kSpace) != 0 || (code >= 0x1C && code <= 0x1F);
}

bool is_printable(char32_t code) noexcept {
    return code == ' ' || (unicode::mask(code) & (unicode::kSpace | unicode::kOther)) == 0;
}

bool is_word(char32_t code) noexcept { return code == '_' || (unicode::mask(code) & (unicode::kL | unicode::kN)) != 0; }

std::string_view last_character(std::string_view text) noexcept {
    std::size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 && (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) --start;
    const utf8::Char c = utf8::read(text.data() + start, text.data() + text.size());
    return c.size == text.size() - start ? text.substr(start) : text.substr(text.size() - 1);
}

std::string_view trim_left(std::string_view text) noexcept {
    while (!text.empty()) {
        const utf8::Char c = utf8::read(text.data(), text.data() + text.size());
        if (!is_space(c.code)) break;
        text.remove_prefix(c.size);
    }
    return text;
}

std::string_view trim_right(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::string_view c = last_character(text);
        if (!is_space(utf8::read(c.data(), c.data() + c.size()).code)) break;
        text.remove_suffix(c.size());
    }
    return text;
}

std::string_view trim_left(std::string_view text, std::string_view which) noexcept {
    while (!text.empty()) {
        const std::size_t size = utf8::read(text.data(), text.data() + text.size()).size;
        if (which.find(text.substr(0, size)) == std::string_view::npos) break;
        text.remove_prefix(size);
    }
    return text;
}

std::string_view trim_right(std::string_view text, std::string_view which) noexcept {
    while (!text.empty()) {
        const std::string_view c = last_character(text);
        if (which.find(c) == std::string_view::npos) break;
        text.remove_suffix(c.size());
    }
    return text;
}

}  // namespace linnet::chat
