// SPDX-License-Identifier: MIT
// The parser of GBNF: recursive descent with a bound on depth.
#include "constrain/gbnf.hpp"

#include <algorithm>
#include <map>

#include "base/hex.hpp"
#include "constrain/pattern_tree.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::constrain {

namespace {

using Kind = GbnfNode::Kind;

class GbnfParser {
  public:
    GbnfParser(std::string_view text, Exprs& exprs, std::uint32_t max_rules)
        : text_(text), exprs_(exprs), max_rules_(max_rules) {}

    GbnfTree parse() {
        skip(true);
        while (at_ < text_.size()) {
            const std::uint32_t index = rule(name());
            skip(false);
            if (!take("::=")) fail("'::=' expected");
            skip(true);
            if (tree_.rules[index].body != kNoId) fail("this rule was defined before");
            const std::uint32_t body = choice(0);
            tree_.rules[index].body = body;
            if (at_ < text_.size() && !peek("\n") && !peek("\r")) fail("the end of the line expected");
            skip(true);
        }
        for (const GbnfRule& rule : tree_.rules) {
            if (rule.body == kNoId) {
                throw Error(Status::invalid_argument, "grammar: rule '{}', named in line {}, is not defined",
                            std::string_view(rule.name).substr(0, 100), rule.line);
            }
        }
        const auto root = ids_.find("root");
        if (root == ids_.end()) throw Error(Status::invalid_argument, "grammar: there is no rule 'root'");
        tree_.root = root->second;
        return std::move(tree_);
    }

  private:
    std::uint32_t line() const {
        return 1 + static_cast<std::uint32_t>(std::count(text_.begin(), text_.begin() + static_cast<long>(at_), '\n'));
    }
    [[noreturn]] void fail(const char* what, Status status = Status::invalid_argument) const {
        const std::size_t newline = text_.substr(0, at_).rfind('\n');
        const std::size_t column = at_ - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
        throw Error(status, "grammar: line {}, column {}: {}", line(), column, what);
    }
    bool peek(std::string_view what) const noexcept { return text_.substr(at_).starts_with(what); }
    bool take(std::string_view what) noexcept {
        if (!peek(what)) return false;
        at_ += what.size();
        return true;
    }
    // Blanks and comments, and line ends when they mean nothing here.
    void skip(bool lines) noexcept {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '#') {
                while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
            } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
                ++at_;
            } else {
                return;
            }
        }
    }
    bool at_name() const noexcept {
        const char c = at_ < text_.size() ? text_[at_] : '\0';
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
    std::string_view name() {
        const std::size_t start = at_;
        while (at_name()) ++at_;
        if (at_ == start) fail("a rule's name expected");
        return text_.substr(start, at_ - start);
    }
    std::uint32_t rule(std::string_view name) {
        const auto [known, added] = ids_.emplace(name, static_cast<std::uint32_t>(tree_.rules.size()));
        if (tree_.rules.size() > max_rules_)
            throw Error(Status::unsupported, "grammar: more than {} rules", max_rules_);
        if (added) tree_.rules.push_back({std::string(name), kNoId, line()});
        return known->second;
    }
    std::uint32_t add(GbnfNode node) {
        if (node.parts.size() == 1 && node.kind != Kind::repeat) return node.parts[0];
        tree_.nodes.push_back(std::move(node));
        return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
    }
    std::uint32_t add_text(ExprId expr) { return add({.kind = Kind::text, .expr = expr, .parts = {}}); }

    std::uint32_t choice(unsigned depth) {
        if (depth > GbnfTree::kMaxDepth) fail("parentheses are nested too deep", Status::unsupported);
        GbnfNode node = {.kind = Kind::choice, .parts = {}};
        do {
            if (!node.parts.empty()) skip(true);
            node.parts.push_back(sequence(depth));
        } while (take("|"));
        return add(std::move(node));
    }

    std::uint32_t sequence(unsigned depth) {
        GbnfNode node = {.kind = Kind::sequence, .parts = {}};
        for (;;) {
            std::uint32_t part = 0;
            if (take("\"")) {
                part = add_text(quoted());
            } else if (take("[")) {
                part = add_text(character(exprs_, bracket(), Encoding::raw));
            } else if (take(".")) {
                part = add_text(character(exprs_, CharSet{{0, 0x10FFFF}}, Encoding::raw));
            } else if (take("(")) {
                skip(true);
                part = choice(depth + 1);
                if (!take(")")) fail("')' expected");
            } else if (peek("<") || peek("!<")) {
                fail("tokens in a grammar are not supported", Status::unsupported);
            } else if (at_name()) {
                part = add({.kind = Kind::reference, .rule = rule(name()), .parts = {}});
            } else {
                return add(std::move(node));
            }
            skip(depth > 0);
            part = repeated(part, depth);
            node.parts.push_back(part);
        }
    }

    std::uint32_t repeated(std::uint32_t part, unsigned depth) {
        for (;;) {
            GbnfNode node = {.kind = Kind::repeat, .max = Exprs::kUnbounded, .parts = {part}};
            if (take("*")) {
            } else if (take("+")) {
                node.min = 1;
            } else if (take("?")) {
                node.max = 1;
            } else if (take("{")) {
                skip(true);
                const bool has_min = number(node.min);
                skip(true);
                if (take(",")) {
                    skip(true);
                    number(node.max);
                } else if (has_min) {
                    node.max = node.min;
                } else {
                    fail("a number expected");
                }
                skip(true);
                if (!take("}")) fail("'}' expected");
                if (node.min > node.max) fail("bounds in the wrong order");
            } else {
                return part;
            }
            skip(depth > 0);
            part = add(std::move(node));
        }
    }

    bool number(std::uint32_t& value) {
        const std::size_t start = at_;
        std::uint32_t result = 0;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
            result = result * 10 + static_cast<std::uint32_t>(text_[at_++] - '0');
            if (result > PatternTree::kMaxRepeat) fail("a repetition is too long", Status::unsupported);
        }
        if (at_ > start) value = result;
        return at_ > start;
    }

    ExprId quoted() {
        std::vector<ExprId> parts;
        while (!take("\"")) {
            const char32_t c = one_char();
            parts.push_back(character(exprs_, CharSet{{c, c}}, Encoding::raw));
        }
        return exprs_.concat(parts);
    }

    CharSet bracket() {
        const bool negated = take("^");
        CharSet set;
        while (!take("]")) {
            const char32_t low = one_char();
            char32_t high = low;
            if (peek("-") && !peek("-]")) {
                take("-");
                high = one_char();
            }
            if (high < low) fail("a range in the wrong order");
            set.add(low, high);
        }
        return negated ? set.complement() : set.normalised();
    }

    char32_t one_char() {
        if (at_ == text_.size() || peek("\n")) fail("a quote or bracket is not closed");
        if (take("\\")) {
            const char c = at_ < text_.size() ? text_[at_++] : '\0';
            switch (c) {
                case 'n': return '\n';
                case 'r': return '\r';
                case 't': return '\t';
                case 'x': return hex(2);
                case 'u': return hex(4);
                case 'U': return hex(8);
                case '\\':
                case '"':
                case '[':
                case ']':
                case '-':
                case '^':
                case '/': return static_cast<char32_t>(c);
                default: fail("unknown escape");
            }
        }
        const utf8::Char c = utf8::read(text_.data() + at_, text_.data() + text_.size());
        if (c.status != utf8::Status::valid) fail("not UTF-8");
        at_ += c.size;
        return c.code;
    }

    char32_t hex(unsigned n) {
        char32_t value = 0;
        for (unsigned i = 0; i < n; ++i) {
            const int digit = at_ < text_.size() ? hex_digit(text_[at_]) : -1;
            if (digit < 0) fail("hexadecimal digits expected");
            value = value * 16 + static_cast<char32_t>(digit);
            ++at_;
        }
        if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) fail("no such character");
        return value;
    }

    std::string_view text_;
    Exprs& exprs_;
    std::uint32_t max_rules_;
    std::size_t at_ = 0;
    GbnfTree tree_;
    std::map<std::string, std::uint32_t, std::less<>> ids_;
};

}  // namespace

GbnfTree parse_gbnf(std::string_view text, Exprs& exprs, const GrammarLimits& limits) {
    return GbnfParser(text, exprs, limits.max_rules).parse();
}

}  // namespace linnet::constrain
