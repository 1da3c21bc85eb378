// SPDX-License-Identifier: MIT
// Patterns as expressions. Inside a JSON string the anchors are its quotes: '^' matches the opening one, '$' the
// closing one, so a pattern that is searched for is `("X*)? pattern (anything)?` among all strings, X being any
// character.
#include "constrain/pattern.hpp"

#include <algorithm>

#include "constrain/pattern_tree.hpp"

namespace linnet::constrain {

namespace {

using Kind = PatternNode::Kind;

class Builder {
  public:
    Builder(Exprs& exprs, const PatternTree& tree, Encoding encoding)
        : exprs_(exprs),
          tree_(tree),
          encoding_(encoding),
          anchor_(exprs.literal(encoding == Encoding::json ? "\"" : "")) {}

    // The node and then `rest`.
    ExprId before(std::uint32_t index, ExprId rest) {
        const PatternNode& node = tree_.nodes[index];
        if (!node.looks) return exprs_.concat(alone(index), rest);
        switch (node.kind) {
            case Kind::sequence:
                for (std::size_t i = node.parts.size(); i-- > 0;) rest = before(node.parts[i], rest);
                return rest;
            case Kind::choice: {
                std::vector<ExprId> parts;
                for (const std::uint32_t part : node.parts) parts.push_back(before(part, rest));
                return exprs_.any_of(parts);
            }
            case Kind::repeat:
                if (node.max > 1) break;
                if (node.max == 0) return rest;
                return node.min == 1 ? before(node.parts[0], rest) : exprs_.any_of(before(node.parts[0], rest), rest);
            case Kind::ahead: return exprs_.all_of(before(node.parts[0], Exprs::kAny), rest);
            case Kind::not_ahead: return exprs_.all_of(exprs_.negation(before(node.parts[0], Exprs::kAny)), rest);
            default: break;
        }
        throw Error(Status::unsupported, "regular expression: look-ahead in a repetition at offset {}", node.offset);
    }

    // Whether every match begins (ends) with the anchor.
    bool anchored(std::uint32_t index, Kind anchor) const {
        const PatternNode& node = tree_.nodes[index];
        if (node.kind == anchor) return true;
        if (node.kind == Kind::choice) {
            return std::ranges::all_of(node.parts, [&](std::uint32_t part) { return anchored(part, anchor); });
        }
        if (node.kind != Kind::sequence || node.parts.empty()) return false;
        return anchored(anchor == Kind::begin ? node.parts.front() : node.parts.back(), anchor);
    }
    bool has(Kind kind) const {
        return std::ranges::any_of(tree_.nodes, [&](const PatternNode& node) { return node.kind == kind; });
    }
    // The first anchor that stands where no whole text could match it, kNoId when there is none.
    std::uint32_t inner_anchor(std::uint32_t index, bool first, bool last) const {
        const PatternNode& node = tree_.nodes[index];
        if ((node.kind == Kind::begin && !first) || (node.kind == Kind::end && !last)) return index;
        const bool sequence = node.kind == Kind::sequence;
        const bool inside = node.kind == Kind::repeat || node.kind == Kind::ahead || node.kind == Kind::not_ahead;
        for (std::size_t i = 0; i < node.parts.size(); ++i) {
            const std::uint32_t found = inner_anchor(node.parts[i], first && !inside && (!sequence || i == 0),
                                                     last && !inside && (!sequence || i + 1 == node.parts.size()));
            if (found != kNoId) return found;
        }
        return kNoId;
    }

  private:
    ExprId alone(std::uint32_t index) {
        const PatternNode& node = tree_.nodes[index];
        std::vector<ExprId> parts;
        if (node.kind == Kind::sequence || node.kind == Kind::choice) {
            for (const std::uint32_t part : node.parts) parts.push_back(alone(part));
        }
        switch (node.kind) {
            case Kind::set: return character(exprs_, tree_.sets[node.set], encoding_);
            case Kind::sequence: return exprs_.concat(parts);
            case Kind::choice: return exprs_.any_of(parts);
            case Kind::repeat: return exprs_.repeat(alone(node.parts[0]), node.min, node.max);
            case Kind::begin:
            case Kind::end: return anchor_;
            default: return Exprs::kEmpty;
        }
    }

    Exprs& exprs_;
    const PatternTree& tree_;
    Encoding encoding_;
    ExprId anchor_;
};

}  // namespace

ExprId json_pattern(Exprs& exprs, const JsonTexts& texts, std::string_view pattern) {
    const PatternTree tree = parse_pattern(pattern);
    Builder builder(exprs, tree, Encoding::json);
    const bool begins = builder.anchored(tree.root, Kind::begin);
    const bool ends = builder.anchored(tree.root, Kind::end);
    const ExprId found = builder.before(tree.root, ends ? Exprs::kEmpty : Exprs::kAny);
    std::vector<ExprId> parts;
    if (begins || builder.has(Kind::begin)) parts.push_back(found);
    if (!begins) {
        parts.push_back(exprs.concat(std::array{exprs.literal("\""), exprs.star(texts.char_any), found}));
    }
    // With both quotes where they belong and nothing but characters between them it is a string already.
    const bool is_string = ends && (begins || !builder.has(Kind::begin)) && !tree.nodes[tree.root].looks &&
                           builder.inner_anchor(tree.root, true, true) == kNoId;
    if (is_string) return exprs.any_of(parts);
    return exprs.all_of(texts.string_plain, exprs.any_of(parts));
}

ExprId whole_pattern(Exprs& exprs, std::string_view pattern) {
    const PatternTree tree = parse_pattern(pattern);
    Builder builder(exprs, tree, Encoding::raw);
    if (const std::uint32_t inner = builder.inner_anchor(tree.root, true, true); inner != kNoId) {
        throw Error(Status::unsupported, "regular expression: an anchor in the middle at offset {}",
                    tree.nodes[inner].offset);
    }
    const ExprId characters = exprs.star(character(exprs, CharSet{{0, 0x10FFFF}}, Encoding::raw));
    const ExprId found = builder.before(tree.root, Exprs::kEmpty);
    // Only look-aheads could let anything but characters in.
    return exprs.node(found).plain ? found : exprs.all_of(characters, found);
}

}  // namespace linnet::constrain
