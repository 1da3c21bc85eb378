// SPDX-License-Identifier: MIT
// A line is cut into chunks (words, the spaces between them, parts of hyphenated words), which then fill lines
// greedily. Spaces at the begin and the end of a made line are dropped.
#include "chat/wrap.hpp"

#include <algorithm>
#include <vector>

#include "chat/letter_case.hpp"
#include "chat/text_tools.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::chat {

namespace {

struct Chunk {
    std::string_view text;
    std::int64_t width;
    bool is_space;
};

char32_t first_code(std::string_view text) noexcept {
    return text.empty() ? U' ' : utf8::read(text.data(), text.data() + text.size()).code;
}

// Spaces are those that textwrap knows: ASCII ones.
bool is_blank(char32_t code) noexcept { return code == ' ' || (code >= '\t' && code <= '\r'); }

std::vector<Chunk> cut(std::string_view line, bool hyphens) {
    std::vector<Chunk> chunks;
    std::size_t begin = 0, letters = 0;
    const auto finish = [&](std::size_t end) {
        if (end == begin) return;
        const std::string_view text = line.substr(begin, end - begin);
        chunks.push_back({text, static_cast<std::int64_t>(n_characters(text)), is_blank(first_code(text))});
        begin = end;
        letters = 0;
    };
    for (std::size_t at = 0; at < line.size();) {
        const utf8::Char c = utf8::read(line.data() + at, line.data() + line.size());
        if (is_blank(c.code) != is_blank(first_code(line.substr(begin)))) finish(at);
        at += c.size;
        // After the hyphen of a compound word: two letters before it, a letter behind it.
        if (hyphens && c.code == '-' && letters >= 2 && is_word(first_code(line.substr(at))) &&
            (first_code(line.substr(at)) < '0' || first_code(line.substr(at)) > '9')) {
            finish(at);
        } else {
            letters = is_word(c.code) && (c.code < '0' || c.code > '9') ? letters + 1 : 0;
        }
    }
    finish(line.size());
    return chunks;
}

// How much of a long word goes into the `room` that a line has left (0: as Python does, nothing, which then is dropped
// in place of a space): up to its last hyphen when it has one in there that not only hyphens precede.
std::int64_t room_for(std::string_view word, std::int64_t room, bool hyphens) {
    const std::string_view head = word.substr(0, byte_offset(word, static_cast<std::size_t>(room)));
    const std::size_t hyphen = hyphens ? head.rfind('-') : std::string_view::npos;
    if (hyphen == std::string_view::npos || head.find_first_not_of('-') > hyphen) return room;
    return static_cast<std::int64_t>(n_characters(head.substr(0, hyphen + 1)));
}

std::vector<std::string> fill(std::vector<Chunk> chunks, const WrapStyle& style) {
    std::vector<std::string> lines;
    std::reverse(chunks.begin(), chunks.end());
    while (!chunks.empty()) {
        if (!lines.empty() && chunks.back().is_space) chunks.pop_back();
        std::vector<Chunk> line;
        std::int64_t width = 0;
        while (!chunks.empty() && width + chunks.back().width <= style.width) {
            width += chunks.back().width;
            line.push_back(chunks.back());
            chunks.pop_back();
        }
        if (!chunks.empty() && chunks.back().width > style.width) {
            Chunk& word = chunks.back();
            if (style.break_long_words) {
                const std::int64_t n = room_for(word.text, style.width - width, style.break_on_hyphens);
                const std::size_t size = byte_offset(word.text, static_cast<std::size_t>(n));
                line.push_back({word.text.substr(0, size), n, word.is_space || n == 0});
                word.text.remove_prefix(size);
                word.width -= n;
                if (word.width == 0) chunks.pop_back();
            } else if (line.empty()) {
                line.push_back(word);
                chunks.pop_back();
            }
        }
        if (!line.empty() && line.back().is_space) line.pop_back();
        if (line.empty()) continue;
        std::string made;
        for (const Chunk& chunk : line) made += chunk.text;
        lines.push_back(std::move(made));
    }
    return lines;
}

}  // namespace

Value wrap_text(Arena& arena, std::string_view text, const WrapStyle& style, std::string_view separator) {
    if (style.width <= 0) throw Error(Status::invalid_argument, "invalid width {} (must be > 0)", style.width);
    arena.spend(text.size());
    Text made(arena);
    bool first = true;
    for (const std::string_view source : split_lines(arena, text)) {
        std::vector<std::string> lines = fill(cut(source, style.break_on_hyphens), style);
        if (lines.empty()) lines.emplace_back();
        for (const std::string& line : lines) {
            if (!first) made.append(separator);
            made.append(line);
            first = false;
        }
    }
    return made.finish();
}

}  // namespace linnet::chat
