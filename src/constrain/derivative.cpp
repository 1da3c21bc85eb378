// SPDX-License-Identifier: MIT
// Derivatives of expressions. Recursion is bounded by the nesting of an expression (Exprs::kMaxDepth); sequences are
// walked in loops.
#include <algorithm>
#include <array>

#include "constrain/expr.hpp"
#include "constrain/json_text.hpp"

namespace linnet::constrain {

namespace {

// Stands for every long minimum.
constexpr std::uint32_t kLong = 1'000'000;

// Any part of an expression may have its repetitions lifted: to need one more of them takes at least one more byte.
// How far this looks is a matter of cost.
ExprId lift(Exprs& exprs, ExprId expr, std::uint32_t& bound, unsigned depth) {
    const Exprs::Node node = exprs.node(expr);
    if (!node.counted) return expr;
    switch (node.kind) {
        case Exprs::Kind::concat: {
            std::array<ExprId, 8> heads;
            std::size_t n = 0;
            ExprId tail = expr;
            for (; n < heads.size() && exprs.node(tail).kind == Exprs::Kind::concat; tail = exprs.node(tail).b) {
                heads[n++] = lift(exprs, exprs.node(tail).a, bound, depth + 1);
            }
            if (n < heads.size()) tail = lift(exprs, tail, bound, depth + 1);
            while (n > 0) tail = exprs.concat(heads[--n], tail);
            return tail;
        }
        case Exprs::Kind::any_of: {
            if (depth > 4 || node.b > 16) return expr;
            const std::vector<ExprId> parts(exprs.children(node).begin(), exprs.children(node).end());
            std::vector<ExprId> lifted;
            for (const ExprId part : parts) lifted.push_back(lift(exprs, part, bound, depth + 1));
            return lifted == parts ? expr : exprs.any_of(lifted);
        }
        case Exprs::Kind::repeat: {
            const ExprId inner = depth > 4 ? node.a : lift(exprs, node.a, bound, depth + 1);
            const bool is_long = node.b > Exprs::kShort;
            const bool is_bounded = node.c > Exprs::kShort && node.c != Exprs::kUnbounded;
            if (inner == node.a && !is_long && !is_bounded) return expr;
            if (is_bounded) bound = std::min(bound, node.c);
            if (is_long) bound = std::min(bound, node.b - 1);
            return exprs.repeat(inner, is_long ? kLong : node.b, is_bounded || is_long ? Exprs::kUnbounded : node.c);
        }
        default: return expr;
    }
}

}  // namespace

ExprId Exprs::derivative(ExprId expr, unsigned byte) {
    const Node node = nodes_[expr];
    switch (node.kind) {
        case Kind::none:
        case Kind::empty: return kNone;
        case Kind::bytes: return sets_[node.a].has(byte) ? kEmpty : kNone;
        case Kind::concat: return derivative_of_concat(expr, byte);
        case Kind::any_of: return derivative_of_any(expr, byte);
        case Kind::all_of: {
            std::vector<ExprId> parts;
            parts.reserve(node.b);
            for (std::uint32_t i = 0; i < node.b; ++i) {
                const ExprId part = derivative(children_[node.a + i], byte);
                if (part == kNone) return kNone;
                parts.push_back(part);
            }
            return all_of(parts);
        }
        case Kind::negation: return negation(derivative(node.a, byte));
        case Kind::repeat: {
            const ExprId head = derivative(node.a, byte);
            if (head == kNone) return kNone;
            const std::uint32_t max = node.c == kUnbounded ? kUnbounded : node.c - 1;
            return concat(head, repeat(node.a, node.b == 0 ? 0 : node.b - 1, max));
        }
        case Kind::multiple: {
            const Multiple copy = multiples_[node.a];
            return derivative_of_multiple(copy, byte);
        }
        case Kind::unescaped: return derivative_of_unescaped(node.a, byte);
    }
    return kNone;
}

ExprId Exprs::derivative_of_any(ExprId expr, unsigned byte) {
    const std::size_t slot = mix(expr, byte) % kDerived;
    if (derived_[slot].expr == expr && derived_[slot].byte == byte) return derived_[slot].result;
    const Node node = nodes_[expr];
    std::vector<ExprId> parts;
    for (std::uint32_t i = 0; i < node.b; ++i) {
        const ExprId part = derivative(children_[node.a + i], byte);
        if (part != kNone) parts.push_back(part);
    }
    const ExprId result = any_of(parts);
    derived_[slot] = {expr, byte, result};
    return result;
}

// The heads up to the first one that needs a byte each contribute.
ExprId Exprs::derivative_of_concat(ExprId expr, unsigned byte) {
    ExprId result = kNone;
    std::vector<ExprId> parts;
    for (;;) {
        const Node node = nodes_[expr];
        if (node.kind != Kind::concat) {
            parts.push_back(derivative(expr, byte));
            break;
        }
        const ExprId head = concat(derivative(node.a, byte), node.b);
        if (!nodes_[node.a].nullable) {
            if (parts.empty()) return head;
            parts.push_back(head);
            break;
        }
        if (head != kNone) parts.push_back(head);
        expr = node.b;
    }
    result = any_of(parts);
    return result;
}

ExprId Exprs::derivative_of_multiple(const Multiple& from, unsigned byte) {
    Multiple to = from;
    if (byte == '.' && !from.first && from.n_digits == 0) {
        to.n_digits = 1;
        return multiple(to);
    }
    if (byte < '0' || byte > '9' || (from.n_digits == 0 && from.lone_zero)) return kNone;
    to.lone_zero = from.first && byte == '0';
    to.first = false;
    if (from.n_digits > 0) {
        to.lone_zero = false;
        if (from.n_digits > from.scale) {  // zeros behind the last digit
            to.n_digits = from.n_digits < 2 ? 2 : from.n_digits;
            return byte == '0' ? multiple(to) : kNone;
        }
        to.n_digits = from.n_digits + 1;
    }
    to.rest = (from.rest * 10 + (byte - '0')) % from.divisor;
    return multiple(to);
}

// What the byte is written as.
ExprId Exprs::derivative_of_unescaped(ExprId rest, unsigned byte) {
    if (!is_escaped(byte)) return unescaped_rest(derivative(rest, byte));
    const char c = static_cast<char>(byte);
    const std::string text = json_string(std::string_view(&c, 1));
    for (const char written : std::string_view(text).substr(1, text.size() - 2)) {
        rest = derivative(rest, static_cast<std::uint8_t>(written));
    }
    return unescaped_rest(rest);
}

void Exprs::add_firsts(ExprId expr, std::pmr::vector<ExprId>& firsts) const {
    const Node* node = &nodes_[expr];
    while (node->kind == Kind::concat) {
        add_firsts(node->a, firsts);
        if (!nodes_[node->a].nullable) return;
        expr = node->b;
        node = &nodes_[expr];
    }
    switch (node->kind) {
        case Kind::any_of:
        case Kind::all_of:
            for (const ExprId child : children(*node)) add_firsts(child, firsts);
            break;
        case Kind::negation:
        case Kind::repeat: add_firsts(node->a, firsts); break;
        case Kind::unescaped:
            add_firsts(node->a, firsts);
            firsts.push_back(expr);
            break;
        case Kind::bytes:
        case Kind::multiple: firsts.push_back(expr); break;
        default: break;
    }
}

void Exprs::mark_classes(std::span<const ExprId> firsts, std::span<std::uint64_t, 256> marks) const {
    for (const ExprId first : firsts) {
        const Node& node = nodes_[first];
        if (node.kind == Kind::bytes) {
            sets_[node.a].for_each([&](unsigned byte) { marks[byte] = mix(marks[byte], first); });
        } else if (node.kind == Kind::multiple) {
            for (unsigned byte = '.'; byte <= '9'; ++byte) marks[byte] = mix(marks[byte], first + byte);
        } else {  // unescaped: other bytes are told apart as what it unescapes tells them apart
            for (unsigned byte = 0; byte < 128; ++byte) {
                if (is_escaped(byte)) marks[byte] = mix(marks[byte], first + byte);
            }
        }
    }
}

ExprId Exprs::loosened(ExprId expr, std::uint32_t& bound) {
    bound = kUnbounded;
    if (!nodes_[expr].plain) return expr;  // what an intersection leaves alive depends on what comes later
    return lift(*this, expr, bound, 0);
}

}  // namespace linnet::constrain
