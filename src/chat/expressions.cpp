// SPDX-License-Identifier: MIT
// Expressions, by precedence: or, and, not, comparisons, + -, ~, * / // %, **, then signs, which bind closer than
// filters and tests do. That is Jinja's grammar, which differs from Python's (-1 ** 2 is 1, ** groups to the left).
#include <algorithm>

#include "chat/compiler.hpp"
#include "chat/number.hpp"

namespace linnet::chat {

namespace {

enum Level : int { kOr, kAnd, kNot, kCompare, kAdd, kConcat, kMultiply, kPower };

struct Infix {
    std::string_view text;
    int level;
    std::uint8_t flag;  // Arithmetic or Comparison
};

template <class Flag>
constexpr Infix infix(std::string_view text, Level level, Flag flag) {
    return {text, level, static_cast<std::uint8_t>(flag)};
}

constexpr Infix kInfixes[] = {
    infix("==", kCompare, Comparison::equal),
    infix("!=", kCompare, Comparison::not_equal),
    infix("<", kCompare, Comparison::less),
    infix("<=", kCompare, Comparison::less_equal),
    infix(">", kCompare, Comparison::greater),
    infix(">=", kCompare, Comparison::greater_equal),
    infix("+", kAdd, Arithmetic::add),
    infix("-", kAdd, Arithmetic::subtract),
    infix("~", kConcat, 0),
    infix("*", kMultiply, Arithmetic::multiply),
    infix("/", kMultiply, Arithmetic::divide),
    infix("//", kMultiply, Arithmetic::floor_divide),
    infix("%", kMultiply, Arithmetic::modulo),
    infix("**", kPower, Arithmetic::power),
};
constexpr Infix kInfixNames[] = {
    infix("or", kOr, 0),
    infix("and", kAnd, 0),
    infix("in", kCompare, Comparison::in),
};
constexpr Infix kNotIn = infix("not", kCompare, Comparison::not_in);

const Infix* find_infix(const Token& token, const Token& after) noexcept {
    if (token.is_name("not") && after.is_name("in")) return &kNotIn;
    const auto search = [&](std::span<const Infix> table) -> const Infix* {
        const auto it = std::find_if(table.begin(), table.end(), [&](const Infix& i) { return i.text == token.text; });
        return it == table.end() ? nullptr : &*it;
    };
    if (token.kind == TokenKind::sign) return search(kInfixes);
    if (token.kind == TokenKind::name) return search(kInfixNames);
    return nullptr;
}

}  // namespace

void Compiler::expression() {
    const Nested nested(*this);
    const std::size_t start = program_.code.size();
    climb(kOr);
    for (int n = 0; token().is_name("if"); ++n) {
        if (n == kMaxNesting) fail_nesting();
        conditional(start);
    }
}

// value if condition else other: the code of the value is there already, the condition has to go before it.
void Compiler::conditional(std::size_t start) {
    const std::size_t begin = at_++;
    if (unknown_at_ && *unknown_at_ >= start) unknown_at_.reset();
    ++soft_;
    const std::size_t middle = program_.code.size();
    climb(kOr);
    const std::size_t unless = emit_at(begin, Op::jump_unless);
    const auto reorder = [&](auto& items) {
        const auto at = [&](std::size_t i) { return items.begin() + static_cast<std::ptrdiff_t>(i); };
        std::rotate(at(start), at(middle), items.end());
    };
    reorder(program_.code);
    reorder(program_.where);
    const std::size_t moved_unless = unless - (middle - start);
    const std::size_t end = emit(Op::jump);
    place(moved_unless);
    if (accept_name("else")) {
        expression();
    } else {
        emit_at(begin, Op::constant,
                constant(missing(Missing::other,
                                 "the inline if-expression evaluated to false and no else section was defined.")));
    }
    place(end);
    --soft_;
}

void Compiler::climb(int min_level) {
    const Nested nested(*this);
    if (min_level <= kNot && token().is_name("not") && !next_token().is_name("in")) {
        const std::size_t begin = at_++;
        climb(kNot);
        emit_at(begin, Op::invert);
    } else {
        unary(true);
    }
    for (;;) {
        const Infix* const op = find_infix(token(), next_token());
        if (op == nullptr || op->level < min_level) return;
        const std::size_t begin = at_;
        at_ += op == &kNotIn ? 2 : 1;
        switch (op->level) {
            case kOr:
            case kAnd: {
                const std::size_t jump = emit_at(begin, op->level == kOr ? Op::keep_if : Op::keep_unless);
                climb(op->level + 1);
                place(jump);
                break;
            }
            case kCompare: comparison_chain(static_cast<Comparison>(op->flag)); break;
            case kConcat: concatenation(); break;
            default: climb(op->level + 1); emit_at(begin, Op::compute, 0, op->flag);
        }
    }
}

// a < b < c is a < b and b < c, with b computed once.
void Compiler::comparison_chain(Comparison op) {
    std::vector<std::size_t> links;
    for (;;) {
        const std::size_t begin = at_ - 1;
        climb(kCompare + 1);
        const Infix* const next = find_infix(token(), next_token());
        const auto flag = static_cast<std::uint8_t>(op);
        if (next == nullptr || next->level != kCompare) {
            emit_at(begin, Op::compare, 0, flag);
            break;
        }
        links.push_back(emit_at(begin, Op::link, 0, flag));
        op = static_cast<Comparison>(next->flag);
        at_ += next == &kNotIn ? 2 : 1;
    }
    for (const std::size_t link : links) place(link);
}

void Compiler::concatenation() {
    const std::size_t begin = at_ - 1;
    std::int32_t n = 1;
    do {
        climb(kConcat + 1);
        ++n;
    } while (accept_sign("~"));
    emit_at(begin, Op::concat, n);
}

void Compiler::unary(bool with_filters) {
    const std::size_t begin = at_;
    if (accept_sign("-") || accept_sign("+")) {
        const Nested nested(*this);
        unary(false);
        emit_at(begin, tokens_[begin].text == "-" ? Op::negate : Op::plus);
    } else {
        primary();
    }
    postfix();
    if (with_filters) filters();
}

void Compiler::primary() {
    switch (token().kind) {
        case TokenKind::name: return primary_name();
        case TokenKind::string: return string_literal();
        case TokenKind::integer:
        case TokenKind::real: return number_literal();
        case TokenKind::sign:
            if (token().text == "[") return list_literal();
            if (token().text == "{") return dict_literal();
            if (accept_sign("(")) {
                tuple(false, true);
                return expect_sign(")");
            }
            break;
        default: break;
    }
    fail_unexpected("an expression");
}

void Compiler::primary_name() {
    const std::string_view text = token().text;
    if (text == "true" || text == "True") {
        emit(Op::constant, constant(boolean(true)));
    } else if (text == "false" || text == "False") {
        emit(Op::constant, constant(boolean(false)));
    } else if (text == "none" || text == "None") {
        emit(Op::constant, constant(none()));
    } else {
        emit(Op::load, load_name(text));
    }
    ++at_;
}

void Compiler::string_literal() {
    const std::size_t begin = at_;
    std::string_view text = take().text;
    while (token().kind == TokenKind::string) text = program_.arena.join(text, take().text);
    emit_at(begin, Op::constant, constant_text(text));
}

void Compiler::number_literal() {
    const Token number = token();
    Value value;
    if (number.kind == TokenKind::real) {
        value = real(parse_real(number.text).value_or(0));
    } else {
        const auto parsed = parse_integer(program_.arena, number.text, 0);
        if (!parsed) fail("no number");
        value = *parsed;
    }
    emit(Op::constant, constant(value));
    ++at_;
}

void Compiler::list_literal() {
    const std::size_t begin = at_++;
    std::int32_t n = 0;
    while (!token().is_sign("]")) {
        if (n != 0) expect_sign(",");
        if (token().is_sign("]")) break;
        expression();
        ++n;
    }
    expect_sign("]");
    emit_at(begin, Op::list, n);
}

void Compiler::dict_literal() {
    const std::size_t begin = at_++;
    std::int32_t n = 0;
    while (!token().is_sign("}")) {
        if (n != 0) expect_sign(",");
        if (token().is_sign("}")) break;
        expression();
        expect_sign(":");
        expression();
        ++n;
    }
    expect_sign("}");
    emit_at(begin, Op::dict, n);
}

bool Compiler::tuple_ends(bool simple) const noexcept {
    return token().kind == TokenKind::print_end || token().kind == TokenKind::block_end || token().is_sign(")") ||
           (simple && token().is_name("recursive"));
}

bool Compiler::tuple(bool simple, bool in_brackets) {
    const std::size_t begin = at_;
    std::int32_t n = 0;
    bool is_tuple = false;
    while (!tuple_ends(simple)) {
        if (simple) {
            climb(kOr);
        } else {
            expression();
        }
        ++n;
        if (!accept_sign(",")) break;
        is_tuple = true;
    }
    if (n == 0 && !in_brackets) fail_unexpected("an expression");
    if (is_tuple || n == 0) emit_at(begin, Op::tuple, n);
    return is_tuple;
}

void Compiler::postfix() {
    for (;;) {
        if (token().is_sign(".") || token().is_sign("[")) {
            subscript();
        } else if (token().is_sign("(")) {
            call();
        } else {
            return;
        }
    }
}

void Compiler::subscript() {
    const std::size_t begin = at_;
    if (accept_sign(".")) {
        if (token().kind == TokenKind::name) {
            emit_at(begin, Op::attribute, constant_text(take().text));
        } else if (token().kind == TokenKind::integer) {
            number_literal();
            emit_at(begin, Op::element);
        } else {
            fail_unexpected("a name or a number");
        }
        return;
    }
    ++at_;
    std::int32_t n = 0;
    bool is_slice = false;
    while (!token().is_sign("]")) {
        if (n != 0) expect_sign(",");
        is_slice = subscribed() || is_slice;
        ++n;
    }
    expect_sign("]");
    if (n == 0) fail("expected an expression");
    if (is_slice && n > 1) fail("slices in tuples are not supported");
    if (is_slice) return;
    if (n > 1) emit_at(begin, Op::tuple, n);
    emit_at(begin, Op::element);
}

// An index, or a slice: then the element has been taken as well.
bool Compiler::subscribed() {
    const std::size_t begin = at_;
    const auto part = [&](bool here) {
        if (here) {
            expression();
        } else {
            emit(Op::constant, constant(none()));
        }
    };
    const auto ends = [&] { return token().is_sign("]") || token().is_sign(","); };
    if (!token().is_sign(":")) {
        expression();
        if (!token().is_sign(":")) return false;
    } else {
        part(false);
    }
    ++at_;
    part(!ends() && !token().is_sign(":"));
    part(accept_sign(":") && !ends());
    emit_at(begin, Op::slice);
    return true;
}

void Compiler::filters() {
    for (;;) {
        if (token().is_sign("|")) {
            filter_chain();
        } else if (token().is_name("is")) {
            test();
        } else if (token().is_sign("(")) {
            call();
        } else {
            return;
        }
    }
}

void Compiler::filter_chain() {
    while (accept_sign("|")) one_filter();
}

void Compiler::one_filter() {
    const std::size_t begin = at_;
    std::string name(expect_name());
    while (accept_sign(".")) (name += '.') += expect_name();
    CallSite site = token().is_sign("(") ? arguments() : CallSite{};
    site.builtin = find_filter(name);
    if (site.builtin == nullptr) return unknown(begin, "filter", name);
    program_.sites.push_back(site);
    emit_at(begin, Op::filter, static_cast<std::int32_t>(program_.sites.size() - 1));
}

void Compiler::test() {
    const std::size_t begin = at_++;
    const bool negated = accept_name("not");
    std::string name(expect_name());
    while (accept_sign(".")) (name += '.') += expect_name();
    CallSite site;
    const Token& after = token();
    const bool is_operand = after.kind == TokenKind::name || after.kind == TokenKind::string ||
                            after.kind == TokenKind::integer || after.kind == TokenKind::real || after.is_sign("[") ||
                            after.is_sign("{");
    if (after.is_sign("(")) {
        site = arguments();
    } else if (is_operand && !after.is_name("else") && !after.is_name("or") && !after.is_name("and")) {
        if (after.is_name("is")) fail("You cannot chain multiple tests with is");
        const Nested nested(*this);
        primary();
        postfix();
        site.n_positional = 1;
    }
    site.builtin = find_test(name);
    if (site.builtin == nullptr) {
        unknown(begin, "test", name);
    } else {
        program_.sites.push_back(site);
        emit_at(begin, Op::test, static_cast<std::int32_t>(program_.sites.size() - 1));
    }
    if (negated) emit_at(begin, Op::invert);
}

void Compiler::unknown(std::size_t token, std::string_view kind, std::string_view name) {
    const std::string text = format_text("No {} named '{}'.", kind, name);
    const std::size_t code = emit_at(token, Op::fail, constant_text(program_.arena.copy(text)));
    if (soft_ != 0 || unknown_at_) return;
    unknown_at_ = code;
    unknown_text_ = text;
    unknown_token_ = token;
}

CallSite Compiler::arguments() {
    expect_sign("(");
    CallSite site;
    std::vector<std::string_view> keywords;
    for (bool first = true; !token().is_sign(")"); first = false) {
        if (!first) expect_sign(",");
        if (token().is_sign(")")) break;
        if (accept_sign("*")) {
            if (site.star || site.double_star) fail("invalid syntax for function call expression");
            site.star = true;
            expression();
        } else if (accept_sign("**")) {
            if (site.double_star) fail("invalid syntax for function call expression");
            site.double_star = true;
            expression();
        } else if (token().kind == TokenKind::name && next_token().is_sign("=")) {
            if (site.star || site.double_star) fail("keyword arguments must come before * and **");
            const std::string_view keyword = take().text;
            program_.arena.spend(keywords.size());
            if (std::find(keywords.begin(), keywords.end(), keyword) != keywords.end())
                fail("keyword argument repeated");
            keywords.push_back(keyword);
            ++at_;
            expression();
        } else {
            if (!keywords.empty() || site.star || site.double_star) fail("invalid syntax for function call expression");
            ++site.n_positional;
            expression();
        }
    }
    expect_sign(")");
    site.keywords = {program_.arena.copy(std::span<const std::string_view>(keywords)), keywords.size()};
    return site;
}

void Compiler::call() {
    const Nested nested(*this);
    const std::size_t begin = at_;
    program_.sites.push_back(arguments());
    emit_at(begin, Op::call, static_cast<std::int32_t>(program_.sites.size() - 1));
    call_end_ = at_;
}

}  // namespace linnet::chat
