// SPDX-License-Identifier: MIT
// The parser of regular expressions: recursive descent with a bound on depth.
#include "constrain/pattern_tree.hpp"

#include <array>

#include "base/hex.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::constrain {

namespace {

using Kind = PatternNode::Kind;

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    PatternTree parse() {
        tree_.root = choice(0);
        if (at_ < text_.size()) fail("')' without '('");
        return std::move(tree_);
    }

  private:
    [[noreturn]] void fail(const char* what, Status status = Status::invalid_argument) const {
        throw Error(status, "regular expression: {} at offset {}", what, at_);
    }
    bool peek(std::string_view what) const noexcept { return text_.substr(at_).starts_with(what); }
    bool take(std::string_view what) noexcept {
        if (!peek(what)) return false;
        at_ += what.size();
        return true;
    }
    char32_t take_char() {
        if (at_ == text_.size()) fail("it ends too early");
        const utf8::Char c = utf8::read(text_.data() + at_, text_.data() + text_.size());
        if (c.status != utf8::Status::valid) fail("not UTF-8");
        at_ += c.size;
        return c.code;
    }
    std::uint32_t add(PatternNode node) {
        node.offset = static_cast<std::uint32_t>(at_);
        node.looks = node.looks || node.kind == Kind::ahead || node.kind == Kind::not_ahead;
        for (const std::uint32_t part : node.parts) node.looks = node.looks || tree_.nodes[part].looks;
        tree_.nodes.push_back(std::move(node));
        return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
    }
    std::uint32_t add_set(CharSet set) {
        tree_.sets.push_back(std::move(set));
        return add({.kind = Kind::set, .set = static_cast<std::uint32_t>(tree_.sets.size() - 1), .parts = {}});
    }
    std::uint32_t add_list(Kind kind, std::vector<std::uint32_t> parts) {
        return parts.size() == 1 ? parts[0] : add({.kind = kind, .parts = std::move(parts)});
    }

    std::uint32_t choice(unsigned depth) {
        if (depth > PatternTree::kMaxDepth) fail("groups are nested too deep", Status::unsupported);
        std::vector<std::uint32_t> parts;
        do {
            std::vector<std::uint32_t> sequence;
            while (at_ < text_.size() && !peek("|") && !peek(")")) sequence.push_back(repeated(depth));
            parts.push_back(add_list(Kind::sequence, std::move(sequence)));
        } while (take("|"));
        return add_list(Kind::choice, std::move(parts));
    }

    std::uint32_t repeated(unsigned depth) {
        std::uint32_t node = atom(depth);
        for (;;) {
            std::uint32_t min = 0, max = Exprs::kUnbounded;
            if (take("*")) {
            } else if (take("+")) {
                min = 1;
            } else if (take("?")) {
                max = 1;
            } else if (!peek("{") || !bounds(min, max)) {
                return node;
            }
            take("?");  // how much it prefers to match does not change what it matches
            const Kind kind = tree_.nodes[node].kind;
            if (kind == Kind::begin || kind == Kind::end) fail("nothing to repeat");
            node = add({.kind = Kind::repeat, .min = min, .max = max, .parts = {node}});
        }
    }

    // False, with nothing taken, when the brace stands for itself.
    bool bounds(std::uint32_t& min, std::uint32_t& max) {
        const std::size_t start = at_;
        take("{");
        if (!number(min)) {
            at_ = start;
            return false;
        }
        max = min;
        if (take(",") && !number(max)) max = Exprs::kUnbounded;
        if (!take("}")) {
            at_ = start;
            return false;
        }
        if (min > max) fail("bounds in the wrong order");
        return true;
    }

    bool number(std::uint32_t& value) {
        const std::size_t start = at_;
        value = 0;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
            value = value * 10 + static_cast<std::uint32_t>(text_[at_++] - '0');
            if (value > PatternTree::kMaxRepeat) fail("a repetition is too long", Status::unsupported);
        }
        return at_ > start;
    }

    std::uint32_t atom(unsigned depth) {
        if (take("^")) return add({.kind = Kind::begin, .parts = {}});
        if (take("$")) return add({.kind = Kind::end, .parts = {}});
        if (take("(")) return group(depth);
        if (take("[")) return add_set(bracket());
        if (take(".")) {
            return add_set(CharSet{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}.complement());
        }
        if (peek("*") || peek("+") || peek("?")) fail("nothing to repeat");
        if (peek("\\b") || peek("\\B")) fail("word boundaries are not supported", Status::unsupported);
        CharSet set;
        if (take("\\")) {
            if (at_ < text_.size() && text_[at_] >= '1' && text_[at_] <= '9') {
                fail("back references are not supported", Status::unsupported);
            }
            escape(set);
        } else {
            const char32_t c = take_char();
            set.add(c, c);
        }
        return add_set(set.normalised());
    }

    std::uint32_t group(unsigned depth) {
        Kind kind = Kind::sequence;
        if (take("?=")) {
            kind = Kind::ahead;
        } else if (take("?!")) {
            kind = Kind::not_ahead;
        } else if (take("?:")) {
        } else if (peek("?<=") || peek("?<!")) {
            fail("look-behind is not supported", Status::unsupported);
        } else if (take("?<") || take("?P<")) {
            while (at_ < text_.size() && text_[at_] != '>') ++at_;
            if (!take(">")) fail("a group's name has no end");
        } else if (peek("?")) {
            fail("this kind of group is not supported", Status::unsupported);
        }
        const std::uint32_t inner = choice(depth + 1);
        if (!take(")")) fail("'(' without ')'");
        return kind == Kind::sequence ? inner : add({.kind = kind, .parts = {inner}});
    }

    CharSet bracket() {
        const bool negated = take("^");
        CharSet set;
        while (!take("]")) {
            char32_t low = 0, high = 0;
            const bool single = member(set, low);
            if (!single || !peek("-") || peek("-]")) {
                if (single) set.add(low, low);
                continue;
            }
            take("-");
            if (!member(set, high)) {  // "\w-\d": the dash stands for itself
                set.add('-', '-');
                high = low;
            }
            if (high < low) fail("a range in the wrong order");
            set.add(low, high);
        }
        return negated ? set.complement() : set.normalised();
    }

    // One character of a bracket, or false when it was a class, which is then in `set`.
    bool member(CharSet& set, char32_t& c) {
        if (!take("\\")) {
            c = take_char();
            return true;
        }
        if (take("b")) {
            c = '\b';
            return true;
        }
        CharSet one;
        if (escape(one)) {
            c = one.ranges()[0].low;
            return true;
        }
        set.add(one);
        return false;
    }

    // What follows a backslash; true when it is one character.
    bool escape(CharSet& set) {
        const char32_t letter = take_char();
        char32_t c = letter;
        switch (letter) {
            case 'd':
            case 'D':
            case 'w':
            case 'W':
            case 's':
            case 'S': set.add(class_escape(static_cast<char>(letter))); return false;
            case 'p':
            case 'P': {
                const std::size_t end = text_.find('}', at_);
                CharSet property;
                if (!take("{") || end == std::string_view::npos) fail("\\p without a property in braces");
                if (!unicode_property(text_.substr(at_, end - at_), property)) {
                    fail("this Unicode property is not supported", Status::unsupported);
                }
                at_ = end + 1;
                set.add(letter == 'P' ? property.complement() : property);
                return false;
            }
            case 't': c = '\t'; break;
            case 'n': c = '\n'; break;
            case 'r': c = '\r'; break;
            case 'v': c = '\v'; break;
            case 'f': c = '\f'; break;
            case '0': c = 0; break;
            case 'c': c = take_char() & 31U; break;
            case 'x': c = hex(2); break;
            case 'u':
                if (take("{")) {
                    c = hex(0);
                    if (!take("}")) fail("'\\u{' without '}'");
                    break;
                }
                c = hex(4);
                if (c >= 0xD800 && c < 0xDC00 && take("\\u")) c = 0x10000 + ((c - 0xD800) << 10U) + (hex(4) - 0xDC00);
                break;
            default:
                if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) fail("unknown escape");
                break;
        }
        set.add(c, c);
        return true;
    }

    // `n` digits, or as many as there are (up to 6) when n is 0.
    char32_t hex(unsigned n) {
        char32_t value = 0;
        for (unsigned i = 0; i < (n == 0 ? 6 : n); ++i) {
            const int digit = at_ < text_.size() ? hex_digit(text_[at_]) : -1;
            if (digit < 0 && n == 0 && i > 0) break;
            if (digit < 0) fail("hexadecimal digits expected");
            value = value * 16 + static_cast<char32_t>(digit);
            ++at_;
        }
        if (value > 0x10FFFF) fail("no such character");
        return value;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    PatternTree tree_;
};

}  // namespace

PatternTree parse_pattern(std::string_view pattern) { return Parser(pattern).parse(); }

CharSet class_escape(char letter) {
    CharSet set;
    switch (letter | 0x20) {
        case 'd': set = {{'0', '9'}}; break;
        case 'w': set = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}; break;
        default:
            set = {{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
                   {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
    }
    return (letter & 0x20) == 0 ? set.complement() : set;
}

bool unicode_property(std::string_view name, CharSet& set) {
    struct Property {
        std::string_view name;
        unicode::Mask mask;
    };
    static constexpr Property kProperties[] = {
        Property{"L", unicode::kL},   Property{"Letter", unicode::kL},
        Property{"Lu", unicode::kLu}, Property{"Uppercase_Letter", unicode::kLu},
        Property{"Ll", unicode::kLl}, Property{"Lowercase_Letter", unicode::kLl},
        Property{"Lt", unicode::kLt}, Property{"Titlecase_Letter", unicode::kLt},
        Property{"Lm", unicode::kLm}, Property{"Modifier_Letter", unicode::kLm},
        Property{"Lo", unicode::kLo}, Property{"Other_Letter", unicode::kLo},
        Property{"M", unicode::kM},   Property{"Mark", unicode::kM},
        Property{"N", unicode::kN},   Property{"Number", unicode::kN},
        Property{"P", unicode::kP},   Property{"Punctuation", unicode::kP},
        Property{"S", unicode::kS},   Property{"Symbol", unicode::kS},
    };
    for (const Property& property : kProperties) {
        if (property.name != name) continue;
        for (char32_t c = 0; c <= 0x10FFFF; ++c) {
            if ((unicode::mask(c) & property.mask) == 0) continue;
            char32_t end = c;
            while (end < 0x10FFFF && (unicode::mask(end + 1) & property.mask) != 0) ++end;
            set.add(c, end);
            c = end;
        }
        set = set.normalised();
        return true;
    }
    return false;
}

}  // namespace linnet::constrain
