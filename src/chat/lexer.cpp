// SPDX-License-Identifier: MIT
// The lexer: one pass from left to right; every step consumes at least one byte or ends.
#include "chat/lexer.hpp"

#include <string>

#include "base/hex.hpp"
#include "chat/letter_case.hpp"
#include "chat/program.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::chat {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

class Lexer {
  public:
    Lexer(Arena& arena, std::string_view source) : arena_(arena), source_(source) {}

    std::vector<Token> run() {
        while (at_ < source_.size()) read_data();
        add(TokenKind::end, at_, {});
        return std::move(tokens_);
    }

  private:
    std::string_view rest() const noexcept { return source_.substr(at_); }
    bool looking_at(std::string_view text) const noexcept { return rest().starts_with(text); }
    char peek(std::size_t i = 0) const noexcept { return at_ + i < source_.size() ? source_[at_ + i] : '\0'; }

    [[noreturn]] void fail(std::size_t offset, std::string_view message) const {
        throw_syntax(source_, offset, message);
    }

    void add(TokenKind kind, std::size_t offset, std::string_view text) {
        arena_.spend(1);
        tokens_.push_back({kind, static_cast<std::uint32_t>(offset), text});
    }

    void skip_space() noexcept { at_ = source_.size() - trim_left(rest()).size(); }

    // Text up to the next tag, as the sign after its opening bracket asks for.
    void add_data(std::size_t begin, std::size_t end, char sign, bool is_print) {
        std::string_view text = source_.substr(begin, end - begin);
        if (sign == '-') {
            text = trim_right(text);
        } else if (sign != '+' && !is_print) {
            const std::size_t line = text.rfind('\n') + 1;
            if ((line > 0 || line_starts_) && trim_left(text.substr(line)).empty()) text = text.substr(0, line);
        }
        if (!text.empty()) add(TokenKind::data, begin, text);
    }

    void read_data() {
        const std::size_t begin = at_;
        std::size_t open = begin;
        for (;; ++open) {
            open = source_.find('{', open);
            if (open == std::string_view::npos || open + 1 == source_.size()) {
                at_ = source_.size();
                add(TokenKind::data, begin, source_.substr(begin));
                return;
            }
            const char next = source_[open + 1];
            if (next == '{' || next == '%' || next == '#') break;
        }
        const char bracket = source_[open + 1];
        at_ = open + 2;
        const char sign = peek() == '-' || peek() == '+' ? peek() : '\0';
        if (sign != '\0') ++at_;
        add_data(begin, open, sign, bracket == '{');
        if (bracket == '#') {
            read_comment(open);
        } else if (bracket == '%' && read_raw(open)) {
            return;
        } else {
            read_tag(open, bracket == '{');
        }
    }

    // Moves behind the end of a tag that begins with `-`, `+` or nothing at `end`, and what it takes with it.
    void close_tag(std::size_t end, std::size_t size, bool trims) {
        const char sign = source_[end];
        at_ = end + size;
        if (sign == '-') {
            skip_space();
        } else if (trims && sign != '+' && peek() == '\n') {
            ++at_;
        }
        line_starts_ = source_[at_ - 1] == '\n';
    }

    void read_comment(std::size_t open) {
        const std::size_t end = source_.find("#}", at_);
        if (end == std::string_view::npos) fail(open, "Missing end of comment tag");
        const bool is_signed = end > at_ && (source_[end - 1] == '-' || source_[end - 1] == '+');
        close_tag(is_signed ? end - 1 : end, is_signed ? 3 : 2, true);
    }

    // Whether a tag {% word %} is at `at`: its size behind the opening bracket and sign, or 0.
    std::size_t plain_tag(std::size_t at, std::string_view word, bool plus) const noexcept {
        std::string_view text = trim_left(source_.substr(at));
        if (!text.starts_with(word)) return 0;
        text = trim_left(text.substr(word.size()));
        const bool is_signed = text.starts_with("-%}") || (plus && text.starts_with("+%}"));
        if (!is_signed && !text.starts_with("%}")) return 0;
        return source_.size() - at - text.size() + (is_signed ? 3 : 2);
    }

    // {% raw %}, up to and with {% endraw %}.
    bool read_raw(std::size_t open) {
        const std::size_t size = plain_tag(at_, "raw", false);
        if (size == 0) return false;
        close_tag(source_[at_ + size - 3] == '-' ? at_ + size - 3 : at_ + size - 2,
                  source_[at_ + size - 3] == '-' ? 3 : 2, false);
        const std::size_t begin = at_;
        for (std::size_t end = begin;; end += 2) {
            end = source_.find("{%", end);
            if (end == std::string_view::npos) fail(open, "Missing end of raw directive");
            at_ = end + 2;
            const char sign = peek() == '-' || peek() == '+' ? peek() : '\0';
            if (sign != '\0') ++at_;
            const std::size_t closing = plain_tag(at_, "endraw", true);
            if (closing == 0) continue;
            add_data(begin, end, sign, false);
            const char last = source_[at_ + closing - 3];
            const bool is_signed = last == '-' || last == '+';
            close_tag(at_ + closing - (is_signed ? 3 : 2), is_signed ? 3 : 2, true);
            return true;
        }
    }

    void read_tag(std::size_t open, bool is_print) {
        const std::string_view close = is_print ? "}}" : "%}";
        add(is_print ? TokenKind::print_begin : TokenKind::block_begin, open, {});
        std::string brackets;  // that are open, by what closes them
        for (;;) {
            skip_space();
            if (at_ == source_.size()) fail(open, "the tag is not closed");
            const std::size_t offset = at_;
            if (brackets.empty()) {
                const bool is_signed =
                    (peek() == '-' || (!is_print && peek() == '+')) && rest().substr(1).starts_with(close);
                if (is_signed || looking_at(close)) {
                    close_tag(offset, is_signed ? 3 : 2, !is_print);
                    add(is_print ? TokenKind::print_end : TokenKind::block_end, offset, {});
                    return;
                }
            }
            if (is_digit(peek())) {
                read_number();
            } else if (peek() == '\'' || peek() == '"') {
                read_string();
            } else if (const std::size_t size = word_size()) {
                add(TokenKind::name, offset, source_.substr(offset, size));
                at_ += size;
            } else {
                read_sign(brackets);
            }
        }
    }

    std::size_t word_size() const noexcept {
        std::size_t size = 0;
        const char* const end = source_.data() + source_.size();
        while (at_ + size < source_.size()) {
            const utf8::Char c = utf8::read(source_.data() + at_ + size, end);
            if (c.status != utf8::Status::valid || !is_word(c.code)) break;
            size += c.size;
        }
        return size;
    }

    void read_sign(std::string& brackets) {
        constexpr std::string_view kSigns[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                               "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
        const std::size_t offset = at_;
        for (const std::string_view sign : kSigns) {
            if (!looking_at(sign)) continue;
            const char c = sign.front();
            if (c == '(') brackets += ')';
            if (c == '[') brackets += ']';
            if (c == '{') brackets += '}';
            if (c == ')' || c == ']' || c == '}') {
                if (brackets.empty()) fail(offset, format_text("unexpected '{}'", c));
                if (brackets.back() != c)
                    fail(offset, format_text("unexpected '{}', expected '{}'", c, brackets.back()));
                brackets.pop_back();
            }
            add(TokenKind::sign, offset, source_.substr(offset, sign.size()));
            at_ += sign.size();
            return;
        }
        const std::size_t size = utf8::read(source_.data() + at_, source_.data() + source_.size()).size;
        fail(offset, format_text("unexpected char '{}'", source_.substr(at_, size)));
    }

    // Digits with single underscores between them.
    std::size_t digits_size(std::size_t at, int base) const noexcept {
        std::size_t size = 0;
        const auto digit = [&](std::size_t i) {
            return i < source_.size() && hex_digit(source_[i]) >= 0 && hex_digit(source_[i]) < base;
        };
        while (digit(at + size) ||
               (size != 0 && at + size < source_.size() && source_[at + size] == '_' && digit(at + size + 1))) {
            ++size;
        }
        return size;
    }

    void read_number() {
        const std::size_t offset = at_;
        const char letter = static_cast<char>(peek(1) | 0x20);
        const int base = peek() != '0' ? 10 : letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
        std::size_t size = 0;
        TokenKind kind = TokenKind::integer;
        if (base != 10) size = digits_size(peek(2) == '_' ? at_ + 3 : at_ + 2, base);
        if (size != 0) {
            size += peek(2) == '_' ? 3 : 2;
        } else {
            size = digits_size(at_, 10);
            // After a point it is an index: a.0.1 has no fraction.
            if (at_ == 0 || source_[at_ - 1] != '.') {
                if (peek(size) == '.' && is_digit(peek(size + 1))) {
                    kind = TokenKind::real;
                    size += 1 + digits_size(at_ + size + 1, 10);
                }
                if ((peek(size) | 0x20) == 'e') {
                    const std::size_t sign = peek(size + 1) == '+' || peek(size + 1) == '-' ? 1 : 0;
                    const std::size_t digits = digits_size(at_ + size + 1 + sign, 10);
                    if (digits != 0) {
                        kind = TokenKind::real;
                        size += 1 + sign + digits;
                    }
                }
            }
            // A number does not begin with 0, unless there is nothing else.
            if (kind == TokenKind::integer && peek() == '0') {
                size = 1;
                while (peek(size) == '0' || (peek(size) == '_' && peek(size + 1) == '0')) ++size;
            }
        }
        add(kind, offset, source_.substr(offset, size));
        at_ += size;
    }

    void read_string() {
        const std::size_t offset = at_;
        const char quote = source_[at_++];
        const std::size_t begin = at_;
        bool has_escapes = false;
        while (at_ < source_.size() && source_[at_] != quote) {
            has_escapes = has_escapes || source_[at_] == '\\';
            at_ += source_[at_] == '\\' ? 2 : 1;
        }
        if (at_ >= source_.size()) fail(offset, format_text("unexpected char {}: the text is not closed", quote));
        const std::string_view raw = source_.substr(begin, at_ - begin);
        ++at_;
        add(TokenKind::string, offset, has_escapes ? unescape(raw, begin) : raw);
    }

    // Python's escapes; an unknown one stays as it is written.
    std::string_view unescape(std::string_view raw, std::size_t offset) {
        std::string text;
        for (std::size_t i = 0; i < raw.size();) {
            if (raw[i] != '\\') {
                text += raw[i++];
                continue;
            }
            const char c = raw[i + 1];
            constexpr std::string_view kFrom = "\\'\"abfnrtv", kTo = "\\'\"\a\b\f\n\r\t\v";
            if (const std::size_t simple = kFrom.find(c); simple != std::string_view::npos) {
                text += kTo[simple];
                i += 2;
            } else if (c == '\n') {
                i += 2;
            } else if (c >= '0' && c <= '7') {
                std::uint32_t code = 0;
                std::size_t n = 1;
                for (; n <= 3 && i + n < raw.size() && raw[i + n] >= '0' && raw[i + n] <= '7'; ++n) {
                    code = code * 8 + static_cast<std::uint32_t>(raw[i + n] - '0');
                }
                append_code(text, code, offset + i);
                i += n;
            } else if (c == 'x' || c == 'u' || c == 'U') {
                const std::size_t n = c == 'x' ? 2 : c == 'u' ? 4 : 8;
                std::uint32_t code = 0;
                for (std::size_t k = 0; k < n; ++k) {
                    const int digit = i + 2 + k < raw.size() ? hex_digit(raw[i + 2 + k]) : -1;
                    if (digit < 0) fail(offset + i, format_text("truncated \\{} escape", c));
                    code = code * 16 + static_cast<std::uint32_t>(digit);
                }
                append_code(text, code, offset + i);
                i += 2 + n;
            } else if (c == 'N') {
                fail(offset + i, "\\N escapes are not supported");
            } else {
                text += raw[i++];
            }
        }
        return arena_.copy(text);
    }

    void append_code(std::string& text, std::uint32_t code, std::size_t offset) const {
        if (code >= 0x110000 || (code >= 0xD800 && code < 0xE000)) fail(offset, "the escape is no character");
        char buffer[4];
        text.append(buffer, utf8::write(code, buffer));
    }

    Arena& arena_;
    std::string_view source_;
    std::size_t at_ = 0;
    bool line_starts_ = true;  // what was read last ends with a line end
    std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(Arena& arena, std::string_view source) { return Lexer(arena, source).run(); }

Position position_of(std::string_view source, std::size_t offset) noexcept {
    const std::string_view before = source.substr(0, offset);
    std::size_t line = 1;
    for (const char c : before) line += c == '\n' ? 1 : 0;
    return {line, n_characters(before.substr(before.rfind('\n') + 1)) + 1};
}

void throw_syntax(std::string_view source, std::size_t offset, std::string_view message) {
    const Position position = position_of(source, offset);
    throw Error(Status::bad_file, "chat template, line {}, column {}: {}", position.line, position.column, message);
}

}  // namespace linnet::chat
