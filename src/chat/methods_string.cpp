// SPDX-License-Identifier: MIT
// Methods of text, as Python's str has them. Positions count characters.
#include <algorithm>
#include <optional>
#include <vector>

#include "chat/builtin.hpp"
#include "chat/format.hpp"
#include "chat/letter_case.hpp"
#include "chat/number.hpp"
#include "chat/print.hpp"
#include "chat/search.hpp"
#include "chat/text_tools.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::chat {

namespace {

std::string_view self(const Arguments& a) noexcept { return a[0].view_text(); }

// A result of the same kind of text.
Value like(const Arguments& a, Value value) noexcept {
    if (value.is(Kind::string)) value.form = a[0].form;
    return value;
}

template <void (*append)(Text&, std::string_view)>
Value changed(Runtime& runtime, const Arguments& a) {
    Text text(runtime.arena);
    append(text, self(a));
    return like(a, text.finish());
}

template <LetterCase letter_case>
Value in_case(Runtime& runtime, const Arguments& a) {
    Text text(runtime.arena);
    append_case(text, self(a), letter_case);
    return like(a, text.finish());
}

template <bool left, bool right>
Value strip(Runtime& runtime, const Arguments& a) {
    std::string_view text = self(a);
    runtime.arena.spend(1);
    if (!given(a[1]) || a[1].is(Kind::none)) {
        if (left) text = trim_left(text);
        if (right) text = trim_right(text);
    } else {
        const std::string_view which = text_argument(a[1], "strip arg");
        if (left) text = trim_left(text, which);
        if (right) text = trim_right(text, which);
        runtime.arena.spend((self(a).size() - text.size()) * (1 + which.size() / 16));
    }
    runtime.arena.spend((self(a).size() - text.size()) / 4);
    return like(a, borrowed(text));
}

std::string_view separator(const Value& value) {
    const std::string_view text = text_argument(value, "separator");
    if (text.empty()) throw Error(Status::invalid_argument, "empty separator");
    return text;
}

bool by_spaces(const Arguments& a) noexcept { return !given(a[1]) || a[1].is(Kind::none); }

Value split(Runtime& runtime, const Arguments& a) {
    std::string_view text = self(a);
    std::int64_t n = index_or(a[2], -1, "maxsplit");
    std::vector<std::string_view> parts;
    if (by_spaces(a)) {
        parts = split_words(runtime.arena, text);
        if (n >= 0 && static_cast<std::uint64_t>(n) < parts.size()) {
            // What is left, with the spaces inside of it and after it.
            const auto kept = static_cast<std::size_t>(n);
            const char* const rest = parts[kept].data();
            parts.resize(kept);
            parts.push_back(text.substr(static_cast<std::size_t>(rest - text.data())));
        }
        return strings(runtime.arena, parts);
    }
    const std::string_view by = separator(a[1]);
    runtime.arena.spend(1 + text.size() / 4);
    for (; n != 0; --n) {
        const std::size_t found = find_text(text, by);
        if (found == std::string_view::npos) break;
        runtime.arena.spend(1 + by.size() / 4);
        parts.push_back(text.substr(0, found));
        text.remove_prefix(found + by.size());
    }
    parts.push_back(text);
    return strings(runtime.arena, parts);
}

Value split_right(Runtime& runtime, const Arguments& a) {
    std::string_view text = self(a);
    std::int64_t n = index_or(a[2], -1, "maxsplit");
    std::vector<std::string_view> parts;
    if (by_spaces(a)) {
        parts = split_words(runtime.arena, text);
        if (n >= 0 && static_cast<std::uint64_t>(n) < parts.size()) {
            const std::size_t n_joined = parts.size() - static_cast<std::size_t>(n);
            const std::string_view last = parts[n_joined - 1];
            const auto end = static_cast<std::size_t>(last.data() + last.size() - text.data());
            parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(n_joined));
            parts.insert(parts.begin(), text.substr(0, end));
        }
        return strings(runtime.arena, parts);
    }
    const std::string_view by = separator(a[1]);
    runtime.arena.spend(1 + text.size() / 4);
    for (; n != 0; --n) {
        const std::size_t found = rfind_text(text, by);
        if (found == std::string_view::npos) break;
        runtime.arena.spend(1 + by.size() / 4);
        parts.push_back(text.substr(found + by.size()));
        text = text.substr(0, found);
    }
    parts.push_back(text);
    std::reverse(parts.begin(), parts.end());
    return strings(runtime.arena, parts);
}

Value split_at_lines(Runtime& runtime, const Arguments& a) {
    return strings(runtime.arena, split_lines(runtime.arena, self(a), truth_or(a[1], false)));
}

template <bool from_right>
Value partition(Runtime& runtime, const Arguments& a) {
    const std::string_view text = self(a), by = separator(a[1]);
    runtime.arena.spend(1 + text.size() / 4);
    const std::size_t found = from_right ? rfind_text(text, by) : find_text(text, by);
    std::vector<Value> parts(3, borrowed({}));
    if (found == std::string_view::npos) {
        parts[from_right ? 2 : 0] = borrowed(text);
    } else {
        parts = {borrowed(text.substr(0, found)), borrowed(by), borrowed(text.substr(found + by.size()))};
    }
    return list(runtime.arena, parts, Kind::tuple);
}

// The part of the text that start and end (characters, negative from the end) leave, and where it begins.
struct Part {
    std::string_view text;
    std::size_t offset;  // bytes
    bool exists;         // start may lie behind the end of the text
};

Part part_of(Runtime& runtime, const Arguments& a, std::size_t first) {
    const std::string_view text = self(a);
    runtime.arena.spend(1 + text.size() / 4);
    const auto is_given = [&](std::size_t i) { return given(a[i]) && !a[i].is(Kind::none); };
    if (!is_given(first) && !is_given(first + 1)) return {text, 0, true};
    const auto size = static_cast<std::int64_t>(n_characters(text));
    const auto bound = [&](std::size_t i, std::int64_t absent) {
        const std::int64_t at = is_given(i) ? index_or(a[i], 0, "slice indices") : absent;
        return std::max<std::int64_t>(at < 0 ? at + size : at, 0);
    };
    const std::int64_t start = bound(first, 0), end = std::min(bound(first + 1, size), size);
    if (start > size || start > end) return {{}, 0, false};
    const std::size_t begin = byte_offset(text, static_cast<std::size_t>(start));
    const std::string_view rest = text.substr(begin);
    return {rest.substr(0, byte_offset(rest, static_cast<std::size_t>(end - start))), begin, true};
}

template <bool from_right>
std::int64_t position_of_text(Runtime& runtime, const Arguments& a) {
    const Part part = part_of(runtime, a, 2);
    const std::string_view wanted = text_argument(a[1], "the text to find");
    if (!part.exists) return -1;
    const std::size_t found = from_right ? rfind_text(part.text, wanted) : find_text(part.text, wanted);
    if (found == std::string_view::npos) return -1;
    return static_cast<std::int64_t>(n_characters(self(a).substr(0, part.offset + found)));
}

template <bool from_right>
Value find_position(Runtime& runtime, const Arguments& a) {
    return integer(position_of_text<from_right>(runtime, a));
}

template <bool from_right>
Value index_text(Runtime& runtime, const Arguments& a) {
    const std::int64_t at = position_of_text<from_right>(runtime, a);
    if (at < 0) throw Error(Status::invalid_argument, "substring not found");
    return integer(at);
}

Value count(Runtime& runtime, const Arguments& a) {
    const Part part = part_of(runtime, a, 2);
    const std::string_view wanted = text_argument(a[1], "the text to count");
    if (!part.exists) return integer(0);
    if (wanted.empty()) return integer(static_cast<std::int64_t>(n_characters(part.text)) + 1);
    std::int64_t n = 0;
    for (std::size_t at = 0; (at = find_text(part.text, wanted, at)) != std::string_view::npos; at += wanted.size())
        ++n;
    return integer(n);
}

template <bool at_end>
Value begins(Runtime& runtime, const Arguments& a) {
    const Part part = part_of(runtime, a, 2);
    const auto matches = [&](const Value& value) {
        const std::string_view text = text_argument(value, "startswith/endswith's argument");
        return part.exists && (at_end ? part.text.ends_with(text) : part.text.starts_with(text));
    };
    if (!a[1].is(Kind::tuple)) return boolean(matches(a[1]));
    const auto options = a[1].span();
    return boolean(std::any_of(options.begin(), options.end(), matches));
}

Value remove_prefix(Runtime&, const Arguments& a) {
    const std::string_view text = self(a), prefix = text_argument(a[1], "prefix");
    return borrowed(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
}

Value remove_suffix(Runtime&, const Arguments& a) {
    const std::string_view text = self(a), suffix = text_argument(a[1], "suffix");
    return borrowed(text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text);
}

Value replace(Runtime& runtime, const Arguments& a) {
    return like(a, replace_text(runtime.arena, self(a), text_argument(a[1], "old"), text_argument(a[2], "new"),
                                index_or(a[3], -1, "count")));
}

Value join(Runtime& runtime, const Arguments& a) {
    Text text(runtime.arena);
    bool between = false;
    for (const Value& item : to_items(runtime.arena, a[1])) {
        if (between) text.append(self(a));
        runtime.arena.spend(1 + self(a).size() / 64);
        text.append(text_argument(item, "sequence item"));
        between = true;
    }
    return like(a, text.finish());
}

template <Side side>
Value padded(Runtime& runtime, const Arguments& a) {
    return pad(runtime.arena, self(a), index_or(a[1], 0, "width"), text_or(a[2], " ", "fill character"), side);
}

Value zero_fill(Runtime& runtime, const Arguments& a) {
    const std::string_view text = self(a);
    const bool is_signed = text.starts_with('-') || text.starts_with('+');
    const std::int64_t width = index_or(a[1], 0, "width") - (is_signed ? 1 : 0);
    const Value digits = pad(runtime.arena, text.substr(is_signed ? 1 : 0), width, "0", Side::right);
    return borrowed(runtime.arena.join(runtime.arena.copy(text.substr(0, is_signed ? 1 : 0)), digits.view_text()));
}

Value expand_tabs(Runtime& runtime, const Arguments& a) {
    const std::int64_t size = std::max<std::int64_t>(index_or(a[1], 8, "tabsize"), 0);
    runtime.arena.spend(self(a).size());
    Text text(runtime.arena);
    std::int64_t column = 0;
    for (const char *p = self(a).data(), *end = p + self(a).size(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        if (c.code == '\t') {
            const std::int64_t n = size == 0 ? 0 : size - column % size;
            text.append(static_cast<std::size_t>(n), ' ');
            column += n;
        } else {
            text.append(std::string_view(p, c.size));
            column = c.code == '\n' || c.code == '\r' ? 0 : column + 1;
        }
        p += c.size;
    }
    return text.finish();
}

Value fill_in(Runtime& runtime, const Arguments& a) { return like(a, format_braces(runtime, a[0], a.rest)); }

// Whether there is a character and all are so; `empty` is the answer for no characters.
template <bool (*holds)(char32_t) noexcept, bool empty = false>
Value all(Runtime& runtime, const Arguments& a) {
    runtime.arena.spend(1 + self(a).size() / 16);
    for (const char *p = self(a).data(), *end = p + self(a).size(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        if (!holds(c.code)) return boolean(false);
        p += c.size;
    }
    return boolean(!self(a).empty() || empty);
}

bool is_letter(char32_t code) noexcept { return (unicode::mask(code) & unicode::kL) != 0; }
bool is_number_sign(char32_t code) noexcept { return (unicode::mask(code) & unicode::kN) != 0; }
bool is_letter_or_number(char32_t code) noexcept { return (unicode::mask(code) & (unicode::kL | unicode::kN)) != 0; }
bool is_ascii(char32_t code) noexcept { return code < 0x80; }

template <bool (*wanted)(char32_t) noexcept, bool (*refused)(char32_t) noexcept>
Value cased(Runtime& runtime, const Arguments& a) {
    runtime.arena.spend(1 + self(a).size() / 16);
    bool any = false;
    for (const char *p = self(a).data(), *end = p + self(a).size(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        if (refused(c.code)) return boolean(false);
        any = any || wanted(c.code);
        p += c.size;
    }
    return boolean(any);
}

Value is_title(Runtime& runtime, const Arguments& a) {
    runtime.arena.spend(1 + self(a).size() / 16);
    bool any = false, in_word = false;
    for (const char *p = self(a).data(), *end = p + self(a).size(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        if ((is_upper(c.code) && in_word) || (is_lower(c.code) && !in_word)) return boolean(false);
        in_word = is_upper(c.code) || is_lower(c.code);
        any = any || in_word;
        p += c.size;
    }
    return boolean(any);
}

Value is_identifier(Runtime& runtime, const Arguments& a) {
    const bool begins_with_digit = !self(a).empty() && self(a).front() >= '0' && self(a).front() <= '9';
    return begins_with_digit ? boolean(false) : all<is_word>(runtime, a);
}

Value unsupported(Runtime&, const Arguments&) {
    throw Error(Status::unsupported, "encode, maketrans and translate are not supported");
}

constexpr Builtin kTable[] = {
    {"upper", "self", in_case<LetterCase::upper>},
    {"lower", "self", in_case<LetterCase::lower>},
    {"casefold", "self", in_case<LetterCase::lower>},
    {"capitalize", "self", changed<append_capitalized>},
    {"title", "self", changed<append_title>},
    {"swapcase", "self", changed<append_swapped>},
    {"strip", "self chars?", strip<true, true>},
    {"lstrip", "self chars?", strip<true, false>},
    {"rstrip", "self chars?", strip<false, true>},
    {"split", "self sep? maxsplit?", split},
    {"rsplit", "self sep? maxsplit?", split_right},
    {"splitlines", "self keepends?", split_at_lines},
    {"partition", "self sep", partition<false>},
    {"rpartition", "self sep", partition<true>},
    {"find", "self sub start? end?", find_position<false>},
    {"rfind", "self sub start? end?", find_position<true>},
    {"index", "self sub start? end?", index_text<false>},
    {"rindex", "self sub start? end?", index_text<true>},
    {"count", "self sub start? end?", count},
    {"startswith", "self prefix start? end?", begins<false>},
    {"endswith", "self suffix start? end?", begins<true>},
    {"removeprefix", "self prefix", remove_prefix},
    {"removesuffix", "self suffix", remove_suffix},
    {"replace", "self old new count?", replace},
    {"join", "self iterable", join},
    {"center", "self width fillchar?", padded<Side::center>},
    {"ljust", "self width fillchar?", padded<Side::left>},
    {"rjust", "self width fillchar?", padded<Side::right>},
    {"zfill", "self width", zero_fill},
    {"expandtabs", "self tabsize?", expand_tabs},
    {"format", "self * **", fill_in},
    {"isalpha", "self", all<is_letter>},
    {"isalnum", "self", all<is_letter_or_number>},
    {"isdigit", "self", all<is_number_sign>},
    {"isdecimal", "self", all<is_number_sign>},
    {"isnumeric", "self", all<is_number_sign>},
    {"isspace", "self", all<is_space>},
    {"isascii", "self", all<is_ascii, true>},
    {"isprintable", "self", all<is_printable, true>},
    {"isupper", "self", cased<is_upper, is_lower>},
    {"islower", "self", cased<is_lower, is_upper>},
    {"istitle", "self", is_title},
    {"isidentifier", "self", is_identifier},
    {"encode", "self * **", unsupported},
    {"maketrans", "self * **", unsupported},
    {"translate", "self * **", unsupported},
};

}  // namespace

std::span<const Builtin> string_methods() noexcept { return kTable; }

}  // namespace linnet::chat
