// SPDX-License-Identifier: MIT
// Constructors of expressions. Invariants: a concat's head is no concat; children of any_of and all_of are sorted,
// distinct and of another kind; at most one child of them is a set of bytes.
#include "constrain/expr.hpp"

#include <algorithm>
#include <array>

namespace linnet::constrain {

namespace {

std::uint64_t hash_of(const ByteSet& set) noexcept {
    std::uint64_t hash = 7;
    for (const std::uint64_t word : set.words) hash = mix(hash, word);
    return hash;
}

}  // namespace

Exprs::Exprs(std::pmr::memory_resource* memory)
    : nodes_(memory),
      children_(memory),
      sets_(memory),
      multiples_(memory),
      node_ids_(memory),
      set_ids_(memory),
      multiple_ids_(memory),
      derived_(kDerived, memory) {
    intern({Kind::none, false, true, false, 0, 0, 0, 0}, {});
    intern({Kind::empty, true, true, false, 0, 0, 0, 0}, {});
    sets_.push_back(ByteSet::all());
    set_ids_.add(hash_of(sets_[0]), 0);
    // The set itself comes after kAny, whose child it is: a node may name a later one, ids alone count.
    intern({Kind::repeat, true, true, false, 1, 3, 0, kUnbounded}, {});
    intern({Kind::bytes, false, true, false, 0, 0, 0, 0}, {});
}

Exprs::Exprs(const Exprs& other, std::pmr::memory_resource* memory)
    : nodes_(other.nodes_, memory),
      children_(other.children_, memory),
      sets_(other.sets_, memory),
      multiples_(other.multiples_, memory),
      node_ids_(other.node_ids_, memory),
      set_ids_(other.set_ids_, memory),
      multiple_ids_(other.multiple_ids_, memory),
      derived_(kDerived, memory) {}

std::size_t Exprs::n_bytes() const noexcept {
    return nodes_.capacity() * sizeof(Node) + children_.capacity() * sizeof(ExprId) +
           sets_.capacity() * sizeof(ByteSet) + node_ids_.n_bytes() + set_ids_.n_bytes();
}

ExprId Exprs::intern(const Node& node, std::span<const ExprId> children) {
    const bool listed = node.kind == Kind::any_of || node.kind == Kind::all_of;
    std::uint64_t hash = static_cast<std::uint64_t>(node.kind);
    if (listed) {
        for (const ExprId child : children) hash = mix(hash, child);
    } else {
        hash = mix(mix(mix(hash, node.a), node.b), node.c);
    }
    const std::uint32_t found = node_ids_.find(hash, [&](std::uint32_t id) {
        const Node& other = nodes_[id];
        if (other.kind != node.kind) return false;
        if (!listed) return other.a == node.a && other.b == node.b && other.c == node.c;
        return std::ranges::equal(this->children(other), children);
    });
    if (found != kNoId) return found;
    if (nodes_.size() >= kMaxNodes)
        throw Error(Status::unsupported, "the constraint needs more than {} states", kMaxNodes);
    const ExprId id = size();
    nodes_.push_back(node);
    if (listed) {
        nodes_.back().a = static_cast<std::uint32_t>(children_.size());
        nodes_.back().b = static_cast<std::uint32_t>(children.size());
        children_.insert(children_.end(), children.begin(), children.end());
    }
    node_ids_.add(hash, id);
    return id;
}

Exprs::Node Exprs::measure(Kind kind, std::span<const ExprId> children, bool nullable) const {
    Node result = {kind, nullable, kind != Kind::all_of && kind != Kind::negation, false, 0, 0, 0, 0};
    for (const ExprId child : children) {
        result.plain = result.plain && nodes_[child].plain;
        result.counted = result.counted || nodes_[child].counted;
        result.depth = std::max(result.depth, nodes_[child].depth + 1);
    }
    if (result.depth > kMaxDepth)
        throw Error(Status::unsupported, "the constraint is nested deeper than {}", kMaxDepth);
    return result;
}

ExprId Exprs::bytes(const ByteSet& set) {
    if (set.empty()) return kNone;
    const std::uint64_t hash = hash_of(set);
    std::uint32_t index = set_ids_.find(hash, [&](std::uint32_t id) { return sets_[id] == set; });
    if (index == kNoId) {
        index = static_cast<std::uint32_t>(sets_.size());
        sets_.push_back(set);
        set_ids_.add(hash, index);
    }
    return intern({Kind::bytes, false, true, false, 0, index, 0, 0}, {});
}

ExprId Exprs::literal(std::string_view text) {
    ExprId result = kEmpty;
    for (std::size_t i = text.size(); i-- > 0;) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        result = concat(bytes(ByteSet::range(byte, byte)), result);
    }
    return result;
}

ExprId Exprs::concat(ExprId head, ExprId tail) {
    if (head == kNone || tail == kNone) return kNone;
    if (head == kEmpty) return tail;
    if (tail == kEmpty) return head;
    std::vector<ExprId> heads;
    for (; nodes_[head].kind == Kind::concat; head = nodes_[head].b) heads.push_back(nodes_[head].a);
    heads.push_back(head);
    while (!heads.empty()) {
        const std::array parts = {heads.back(), tail};
        heads.pop_back();
        Node node = measure(Kind::concat, parts, nodes_[parts[0]].nullable && nodes_[tail].nullable);
        // Tails are walked in loops, so they do not count as depth.
        node.depth = std::max(nodes_[parts[0]].depth + 1, nodes_[tail].depth);
        node.a = parts[0];
        node.b = tail;
        tail = intern(node, {});
    }
    return tail;
}

ExprId Exprs::concat(std::span<const ExprId> parts) {
    ExprId result = kEmpty;
    for (std::size_t i = parts.size(); i-- > 0;) result = concat(parts[i], result);
    return result;
}

// Unites sets of bytes, and heads that are sets of bytes before equal tails.
void Exprs::merge_bytes(std::vector<ExprId>& parts) {
    struct Headed {
        ExprId tail, head;
    };
    std::vector<Headed> headed;
    std::size_t n_kept = 0;
    for (const ExprId part : parts) {
        const Node& node = nodes_[part];
        if (node.kind == Kind::bytes) {
            headed.push_back({kEmpty, part});
        } else if (node.kind == Kind::concat && nodes_[node.a].kind == Kind::bytes) {
            headed.push_back({node.b, node.a});
        } else {
            parts[n_kept++] = part;
        }
    }
    parts.resize(n_kept);
    std::ranges::sort(headed, {}, &Headed::tail);
    for (std::size_t i = 0; i < headed.size();) {
        std::size_t end = i + 1;
        ExprId head = headed[i].head;
        if (end < headed.size() && headed[end].tail == headed[i].tail) {
            ByteSet set = this->set(nodes_[head]);
            for (; end < headed.size() && headed[end].tail == headed[i].tail; ++end) {
                set = set | this->set(nodes_[headed[end].head]);
            }
            head = bytes(set);
        }
        parts.push_back(concat(head, headed[i].tail));
        i = end;
    }
}

ExprId Exprs::any_of(std::span<const ExprId> list) {
    std::vector<ExprId> parts;
    bool nullable = false;
    for (const ExprId part : list) {
        const Node& node = nodes_[part];
        if (part == kAny) return kAny;
        if (node.kind == Kind::any_of) {
            const auto inner = children(node);
            parts.insert(parts.end(), inner.begin(), inner.end());
        } else if (part != kNone) {
            parts.push_back(part);
        }
        nullable = nullable || node.nullable;
    }
    work_ += parts.size();
    if (work_ > kMaxWork) throw Error(Status::unsupported, "the constraint's expressions take too much work");
    if (parts.size() > 1) merge_bytes(parts);
    std::ranges::sort(parts);
    parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
    // The empty text adds nothing to what matches it already.
    if (parts.size() > 1 && parts[0] == kEmpty &&
        std::any_of(parts.begin() + 1, parts.end(), [this](ExprId part) { return nodes_[part].nullable; })) {
        parts.erase(parts.begin());
    }
    if (parts.empty()) return kNone;
    if (parts.size() == 1) return parts[0];
    if (parts.size() == 2 && parts[0] == kEmpty) return repeat(parts[1], 0, 1);
    if (parts.size() > kMaxParts)
        throw Error(Status::unsupported, "the constraint has more than {} ways at once", kMaxParts);
    return intern(measure(Kind::any_of, parts, nullable), parts);
}

ExprId Exprs::all_of(std::span<const ExprId> list) {
    std::vector<ExprId> parts;
    bool nullable = true;
    ByteSet set = ByteSet::all();
    bool has_set = false;
    for (const ExprId part : list) {
        const Node& node = nodes_[part];
        nullable = nullable && node.nullable;
        if (part == kNone) return kNone;
        if (node.kind == Kind::all_of) {
            const auto inner = children(node);
            parts.insert(parts.end(), inner.begin(), inner.end());
        } else if (part != kAny) {
            parts.push_back(part);
        }
    }
    std::erase_if(parts, [&](ExprId part) {
        if (nodes_[part].kind != Kind::bytes) return false;
        set = set & this->set(nodes_[part]);
        has_set = true;
        return true;
    });
    if (has_set) {
        if (set.empty()) return kNone;
        parts.push_back(bytes(set));
    }
    std::ranges::sort(parts);
    parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
    if (parts.empty()) return kAny;
    if (parts.size() == 1) return parts[0];
    if (std::ranges::binary_search(parts, kEmpty)) return nullable ? kEmpty : kNone;
    for (const ExprId part : parts) {
        if (nodes_[part].kind == Kind::negation && std::ranges::binary_search(parts, nodes_[part].a)) return kNone;
    }
    return intern(measure(Kind::all_of, parts, nullable), parts);
}

ExprId Exprs::negation(ExprId expr) {
    if (expr == kNone) return kAny;
    if (expr == kAny) return kNone;
    if (nodes_[expr].kind == Kind::negation) return nodes_[expr].a;
    Node node = measure(Kind::negation, std::array{expr}, !nodes_[expr].nullable);
    node.a = expr;
    return intern(node, {});
}

ExprId Exprs::repeat(ExprId expr, std::uint32_t min, std::uint32_t max) {
    if (max == 0 || expr == kEmpty) return kEmpty;
    if (expr == kNone) return min == 0 ? kEmpty : kNone;
    if (nodes_[expr].nullable) min = 0;
    if (min == 1 && max == 1) return expr;
    const Node& inner = nodes_[expr];
    if (inner.kind == Kind::repeat && inner.c == kUnbounded && inner.b == 0) return expr;
    if (inner.kind == Kind::repeat && inner.b <= 1 && inner.c == kUnbounded && max == kUnbounded) {
        return repeat(inner.a, min == 0 ? 0 : inner.b, kUnbounded);
    }
    if (inner.kind == Kind::repeat && inner.b == 0 && min == 0) {
        const bool unbounded = inner.c == kUnbounded || max == kUnbounded || inner.c > (kUnbounded - 1) / max;
        return repeat(inner.a, 0, unbounded ? kUnbounded : inner.c * max);
    }
    Node node = measure(Kind::repeat, std::array{expr}, min == 0);
    node.counted = node.counted || min > kShort || (max > kShort && max != kUnbounded);
    node.a = expr;
    node.b = min;
    node.c = max;
    return intern(node, {});
}

ExprId Exprs::multiple(const Multiple& multiple) {
    const std::uint64_t hash =
        mix(mix(multiple.divisor, multiple.rest), std::uint64_t{multiple.scale} << 32U | multiple.n_digits << 2U |
                                                      (multiple.first ? 2U : 0U) | (multiple.lone_zero ? 1U : 0U));
    std::uint32_t index = multiple_ids_.find(hash, [&](std::uint32_t id) { return multiples_[id] == multiple; });
    if (index == kNoId) {
        index = static_cast<std::uint32_t>(multiples_.size());
        multiples_.push_back(multiple);
        multiple_ids_.add(hash, index);
    }
    // Missing fraction digits are zeros.
    bool divides = !multiple.first && multiple.n_digits != 1;
    if (divides) {
        std::uint64_t rest = multiple.rest;
        for (std::uint32_t i = multiple.n_digits == 0 ? 0 : multiple.n_digits - 1; i < multiple.scale; ++i) {
            rest = rest * 10 % multiple.divisor;
        }
        divides = rest == 0;
    }
    return intern({Kind::multiple, divides, false, false, 0, index, 0, 0}, {});
}

ExprId Exprs::unescaped_rest(ExprId rest) {
    if (rest == kNone) return kNone;
    Node node = measure(Kind::unescaped, std::array{rest}, nodes_[derivative(rest, '"')].nullable);
    node.plain = false;
    node.a = rest;
    return intern(node, {});
}

ExprId Exprs::literals(std::vector<std::string_view> texts) {
    std::ranges::sort(texts);
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    // Bottom up over the sorted list: `open` holds, for each length of the current prefix, what follows it.
    std::vector<std::vector<ExprId>> open(1);
    std::string_view last;
    const auto close = [&](std::size_t size) {
        while (open.size() > size + 1) {
            const ExprId tails = any_of(open.back());
            open.pop_back();
            const auto byte = static_cast<std::uint8_t>(last[open.size() - 1]);
            open.back().push_back(concat(bytes(ByteSet::range(byte, byte)), tails));
        }
    };
    for (const std::string_view text : texts) {
        const auto [a, b] = std::ranges::mismatch(last, text);
        close(static_cast<std::size_t>(b - text.begin()));
        open.resize(text.size() + 1);
        open.back().push_back(kEmpty);
        last = text;
    }
    close(0);
    return any_of(open[0]);
}

}  // namespace linnet::constrain
