// SPDX-License-Identifier: MIT
// Derivatives of expressions. Recursion is bounded by the nesting of an expression (Exprs::kMaxDepth); sequences are
// walked in loops.
#include <array>

#include "constrain/expr.hpp"

namespace linnet::constrain {

ExprId Exprs::derivative(ExprId expr, unsigned byte) {
    const Node node = nodes_[expr];
    switch (node.kind) {
        case Kind::none:
        case Kind::empty: return kNone;
        case Kind::bytes: return sets_[node.a].has(byte) ? kEmpty : kNone;
        case Kind::concat: return derivative_of_concat(expr, byte);
        case Kind::any_of:
        case Kind::all_of: {
            std::vector<ExprId> parts;
            parts.reserve(node.b);
            for (std::uint32_t i = 0; i < node.b; ++i) {
                const ExprId part = derivative(children_[node.a + i], byte);
                if (node.kind == Kind::all_of && part == kNone) return kNone;
                if (node.kind == Kind::all_of || part != kNone) parts.push_back(part);
            }
            return node.kind == Kind::any_of ? any_of(parts) : all_of(parts);
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
    }
    return kNone;
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

void Exprs::mark_classes(ExprId expr, std::span<std::uint64_t, 256> marks) const {
    const Node* node = &nodes_[expr];
    while (node->kind == Kind::concat) {
        mark_classes(node->a, marks);
        if (!nodes_[node->a].nullable) return;
        expr = node->b;
        node = &nodes_[expr];
    }
    switch (node->kind) {
        case Kind::bytes: sets_[node->a].for_each([&](unsigned byte) { marks[byte] = mix(marks[byte], expr); }); break;
        case Kind::any_of:
        case Kind::all_of:
            for (const ExprId child : children(*node)) mark_classes(child, marks);
            break;
        case Kind::negation:
        case Kind::repeat: mark_classes(node->a, marks); break;
        case Kind::multiple:
            for (unsigned byte = '.'; byte <= '9'; ++byte) marks[byte] = mix(marks[byte], expr + byte);
            break;
        default: break;
    }
}

ExprId Exprs::loosened(ExprId expr, std::uint32_t& bound) {
    // Of a sequence, the heads before the repetition stay.
    std::vector<ExprId> heads;
    bound = kUnbounded;
    ExprId tail = expr;
    for (unsigned i = 0; i < 4; ++i) {
        const Node node = nodes_[tail];
        const Node head = node.kind == Kind::concat ? nodes_[node.a] : node;
        if (head.kind == Kind::repeat && head.c > 1 && head.c != kUnbounded) {
            bound = head.c;
            const ExprId free = repeat(head.a, head.b, kUnbounded);
            tail = node.kind == Kind::concat ? concat(free, node.b) : free;
            while (!heads.empty()) {
                tail = concat(heads.back(), tail);
                heads.pop_back();
            }
            return tail;
        }
        if (node.kind != Kind::concat || head.nullable) return expr;
        heads.push_back(node.a);
        tail = node.b;
    }
    return expr;
}

}  // namespace linnet::constrain
