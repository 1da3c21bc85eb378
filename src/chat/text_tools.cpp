// SPDX-License-Identifier: MIT
// Replacing, splitting and padding. Linear in what is read and written.
#include "chat/text_tools.hpp"

#include <algorithm>

#include "chat/letter_case.hpp"
#include "chat/search.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::chat {

Value replace_text(Arena& arena, std::string_view text, std::string_view from, std::string_view to,
                   std::int64_t count) {
    arena.spend((text.size() + from.size()) / 4 + 1);
    Text made(arena);
    std::size_t at = 0;
    for (; count != 0; --count) {
        const std::size_t found = find_text(text, from, at);
        if (found == std::string_view::npos) break;
        arena.spend(1 + from.size() / 4 + to.size() / 64);
        made.append(text.substr(at, found - at));
        made.append(to);
        at = found + from.size();
        if (!from.empty()) continue;
        if (at == text.size()) return made.finish();
        const std::size_t size = byte_offset(text.substr(at), 1);
        made.append(text.substr(at, size));
        at += size;
    }
    made.append(text.substr(at));
    return made.finish();
}

std::vector<std::string_view> split_lines(Arena& arena, std::string_view text, bool keep_ends) {
    arena.spend(text.size() / 4);
    std::vector<std::string_view> lines;
    const char* const end = text.data() + text.size();
    const char* line = text.data();
    for (const char* p = line; p != end;) {
        const utf8::Char c = utf8::read(p, end);
        const char* const after = p + c.size + (c.code == '\r' && p + 1 != end && p[1] == '\n' ? 1 : 0);
        const bool ends = (c.code >= '\n' && c.code <= '\r') || (c.code >= 0x1C && c.code <= 0x1E) || c.code == 0x85 ||
                          c.code == 0x2028 || c.code == 0x2029;
        if (ends) {
            lines.emplace_back(line, static_cast<std::size_t>((keep_ends ? after : p) - line));
            line = after;
        }
        p = after;
    }
    if (line != end) lines.emplace_back(line, static_cast<std::size_t>(end - line));
    return lines;
}

std::vector<std::string_view> split_words(Arena& arena, std::string_view text) {
    arena.spend(text.size() / 4);
    std::vector<std::string_view> words;
    for (text = trim_left(text); !text.empty(); text = trim_left(text)) {
        const char* const end = text.data() + text.size();
        const char* p = text.data();
        while (p != end) {
            const utf8::Char c = utf8::read(p, end);
            if (is_space(c.code)) break;
            p += c.size;
        }
        words.push_back(text.substr(0, static_cast<std::size_t>(p - text.data())));
        text.remove_prefix(words.back().size());
    }
    return words;
}

Value pad(Arena& arena, std::string_view text, std::int64_t width, std::string_view fill, Side side) {
    if (n_characters(fill) != 1) {
        throw Error(Status::invalid_argument, "The fill character must be exactly one character long");
    }
    const auto size = static_cast<std::int64_t>(n_characters(text));
    if (width <= size) return string(arena, text);
    const auto n = static_cast<std::uint64_t>(width - size);
    arena.require(n);
    arena.spend(n / 16);
    const std::uint64_t odd = side == Side::center ? n & static_cast<std::uint64_t>(width) & 1U : 0;
    const std::uint64_t left = side == Side::left ? 0 : side == Side::right ? n : n / 2 + odd;
    Text made(arena);
    for (std::uint64_t i = 0; i < left; ++i) made.append(fill);
    made.append(text);
    for (std::uint64_t i = left; i < n; ++i) made.append(fill);
    return made.finish();
}

Value strings(Arena& arena, const std::vector<std::string_view>& parts) {
    arena.spend(parts.size());
    std::vector<Value> values;
    values.reserve(parts.size());
    for (const std::string_view part : parts) values.push_back(borrowed(part));
    return list(arena, values);
}

}  // namespace linnet::chat
