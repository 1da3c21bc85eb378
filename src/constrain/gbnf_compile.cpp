// SPDX-License-Identifier: MIT
// From GBNF to a grammar. Rules without recursion, and rules that only repeat themselves at their end, are regular and
// become lexemes; what is left are the rules that nest. Refused: left recursion (it would not end) and rules that no
// finite text matches.
#include <algorithm>

#include "constrain/gbnf.hpp"

namespace linnet::constrain {

namespace {

using Kind = GbnfNode::Kind;

class GbnfCompiler {
  public:
    GbnfCompiler(GbnfTree& tree, GrammarBuilder& builder)
        : tree_(tree), builder_(builder), exprs_(builder.exprs()), infos_(tree.rules.size()) {}

    void compile() {
        find_productive();
        if (!infos_[tree_.root].productive) {
            throw Error(Status::invalid_argument, "grammar: no finite text matches the rule 'root'");
        }
        find_regular();
        find_nullable();
        check_left_recursion();
        const std::uint32_t start = builder_.add_rule();
        builder_.set_rule(start, place_of_rule(tree_.root, Grammar::kBackPlace));
        // Rules are built as they are reached.
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            const std::uint32_t rule = pending_[i];
            builder_.set_rule(infos_[rule].id, place(tree_.rules[rule].body, Grammar::kBackPlace));
        }
    }

  private:
    struct Info {
        bool productive = false, nullable = false;
        bool regular = false;
        ExprId expr = Exprs::kNone;
        std::uint32_t id = kNoId;  // of the grammar's rule
    };

    const GbnfNode& node(std::uint32_t index) const { return tree_.nodes[index]; }

    // Calls visit with every rule that the node refers to. Nodes nest no deeper than GbnfTree::kMaxDepth.
    template <class Visit>
    void for_each_reference(std::uint32_t index, const Visit& visit) const {
        if (node(index).kind == Kind::reference) visit(node(index).rule);
        for (const std::uint32_t part : node(index).parts) for_each_reference(part, visit);
    }

    bool is_productive(std::uint32_t index) const {
        const GbnfNode& at = node(index);
        const auto part_is = [this](std::uint32_t part) { return is_productive(part); };
        switch (at.kind) {
            case Kind::text: return at.expr != Exprs::kNone;
            case Kind::reference: return infos_[at.rule].productive;
            case Kind::sequence: return std::ranges::all_of(at.parts, part_is);
            case Kind::choice: return std::ranges::any_of(at.parts, part_is);
            case Kind::repeat: return at.min == 0 || is_productive(at.parts[0]);
        }
        return false;
    }

    void find_productive() {
        for (bool changed = true; changed;) {
            changed = false;
            for (std::size_t rule = infos_.size(); rule-- > 0;) {
                if (infos_[rule].productive || !is_productive(tree_.rules[rule].body)) continue;
                infos_[rule].productive = changed = true;
            }
        }
        for (GbnfNode& at : tree_.nodes) {
            if (at.kind == Kind::choice)
                std::erase_if(at.parts, [this](std::uint32_t part) { return !is_productive(part); });
            if (at.kind == Kind::repeat && !is_productive(at.parts[0])) at = {.kind = Kind::sequence, .parts = {}};
        }
    }

    // Rules whose references are all regular, until there are no more.
    void find_regular() {
        for (bool changed = true; changed;) {
            changed = false;
            for (std::uint32_t rule = 0; rule < infos_.size(); ++rule) {
                Info& info = infos_[rule];
                if (info.regular || !info.productive) continue;
                bool others = true, itself = false;
                for_each_reference(tree_.rules[rule].body, [&](std::uint32_t other) {
                    itself = itself || other == rule;
                    others = others && (other == rule || infos_[other].regular);
                });
                if (!others || (itself && !repeats_at_end(rule))) continue;
                info.expr = itself ? repetition(rule) : expr(tree_.rules[rule].body);
                info.regular = changed = true;
            }
        }
    }

    bool refers(std::uint32_t index, std::uint32_t rule) const {
        bool found = false;
        for_each_reference(index, [&](std::uint32_t other) { found = found || other == rule; });
        return found;
    }
    bool is_reference(std::uint32_t index, std::uint32_t rule) const {
        return node(index).kind == Kind::reference && node(index).rule == rule;
    }
    // rule ::= a rule | b, where a and b know nothing of it.
    std::vector<std::uint32_t> alternatives(std::uint32_t rule) const {
        const std::uint32_t body = tree_.rules[rule].body;
        return node(body).kind == Kind::choice ? node(body).parts : std::vector{body};
    }
    bool repeats_at_end(std::uint32_t rule) const {
        return std::ranges::all_of(alternatives(rule), [&](std::uint32_t part) {
            if (!refers(part, rule)) return true;
            const GbnfNode& at = node(part);
            if (at.kind != Kind::sequence || !is_reference(at.parts.back(), rule)) return false;
            return std::none_of(at.parts.begin(), at.parts.end() - 1, [&](std::uint32_t p) { return refers(p, rule); });
        });
    }
    ExprId repetition(std::uint32_t rule) {
        std::vector<ExprId> loops, ends;
        for (const std::uint32_t part : alternatives(rule)) {
            if (!refers(part, rule)) {
                ends.push_back(expr(part));
                continue;
            }
            std::vector<ExprId> parts;
            for (std::size_t i = 0; i + 1 < node(part).parts.size(); ++i) parts.push_back(expr(node(part).parts[i]));
            loops.push_back(exprs_.concat(parts));
        }
        return exprs_.concat(exprs_.star(exprs_.any_of(loops)), exprs_.any_of(ends));
    }

    bool is_regular(std::uint32_t index) const {
        bool regular = true;
        for_each_reference(index, [&](std::uint32_t rule) { regular = regular && infos_[rule].regular; });
        return regular;
    }
    ExprId expr(std::uint32_t index) {
        const GbnfNode& at = node(index);
        std::vector<ExprId> parts;
        for (const std::uint32_t part : at.parts) parts.push_back(expr(part));
        switch (at.kind) {
            case Kind::text: return at.expr;
            case Kind::reference: return infos_[at.rule].expr;
            case Kind::sequence: return exprs_.concat(parts);
            case Kind::choice: return exprs_.any_of(parts);
            case Kind::repeat: return exprs_.repeat(parts[0], at.min, at.max);
        }
        return Exprs::kNone;
    }

    bool is_nullable(std::uint32_t index) const {
        const GbnfNode& at = node(index);
        const auto part_is = [this](std::uint32_t part) { return is_nullable(part); };
        switch (at.kind) {
            case Kind::text: return exprs_.nullable(at.expr);
            case Kind::reference: return infos_[at.rule].nullable;
            case Kind::sequence: return std::ranges::all_of(at.parts, part_is);
            case Kind::choice: return std::ranges::any_of(at.parts, part_is);
            case Kind::repeat: return at.min == 0 || is_nullable(at.parts[0]);
        }
        return false;
    }
    void find_nullable() {
        for (bool changed = true; changed;) {
            changed = false;
            for (std::size_t rule = 0; rule < infos_.size(); ++rule) {
                if (infos_[rule].nullable || !is_nullable(tree_.rules[rule].body)) continue;
                infos_[rule].nullable = changed = true;
            }
        }
    }

    // Rules that may begin where the node does.
    void first_rules(std::uint32_t index, std::vector<std::uint32_t>& rules) const {
        const GbnfNode& at = node(index);
        if (at.kind == Kind::reference && !infos_[at.rule].regular) rules.push_back(at.rule);
        for (const std::uint32_t part : at.parts) {
            first_rules(part, rules);
            if (at.kind == Kind::sequence && !is_nullable(part)) break;
        }
    }
    void check_left_recursion() const {
        enum class Mark : std::uint8_t { fresh, open, done };
        struct Visit {
            std::uint32_t rule;
            std::vector<std::uint32_t> next;
        };
        std::vector<Mark> marks(infos_.size(), Mark::fresh);
        for (std::uint32_t start = 0; start < infos_.size(); ++start) {
            std::vector<Visit> path;
            const auto enter = [&](std::uint32_t rule) {
                marks[rule] = Mark::open;
                path.push_back({rule, {}});
                first_rules(tree_.rules[rule].body, path.back().next);
            };
            if (marks[start] == Mark::fresh && infos_[start].productive) enter(start);
            while (!path.empty()) {
                if (path.back().next.empty()) {
                    marks[path.back().rule] = Mark::done;
                    path.pop_back();
                    continue;
                }
                const std::uint32_t rule = path.back().next.back();
                path.back().next.pop_back();
                if (marks[rule] == Mark::open) {
                    throw Error(Status::unsupported, "grammar: rule '{}' begins with itself (left recursion)",
                                std::string_view(tree_.rules[rule].name).substr(0, 100));
                }
                if (marks[rule] == Mark::fresh) enter(rule);
            }
        }
    }

    std::uint32_t place_of_rule(std::uint32_t rule, std::uint32_t next) {
        Info& info = infos_[rule];
        if (info.regular) return builder_.lexeme(info.expr, next);
        if (info.id == kNoId) {
            info.id = builder_.add_rule();
            pending_.push_back(rule);
        }
        return builder_.add({.kind = Place::Kind::rule, .a = info.id, .next = next});
    }

    // Where the node begins when `next` follows it.
    std::uint32_t place(std::uint32_t index, std::uint32_t next) {
        if (is_regular(index)) return builder_.lexeme(expr(index), next);
        const GbnfNode& at = node(index);
        switch (at.kind) {
            case Kind::reference: return place_of_rule(at.rule, next);
            case Kind::sequence: {
                // Regular neighbours are one lexeme.
                for (std::size_t end = at.parts.size(); end > 0;) {
                    std::size_t first = end;
                    std::vector<ExprId> parts;
                    while (first > 0 && is_regular(at.parts[first - 1]))
                        parts.insert(parts.begin(), expr(at.parts[--first]));
                    if (first < end) {
                        next = builder_.lexeme(exprs_.concat(parts), next);
                        end = first;
                    } else {
                        next = place(at.parts[--end], next);
                    }
                }
                return next;
            }
            case Kind::choice: {
                std::vector<ExprId> regular;
                std::vector<std::uint32_t> places;
                for (const std::uint32_t part : at.parts) {
                    if (is_regular(part)) {
                        regular.push_back(expr(part));
                    } else {
                        places.push_back(place(part, next));
                    }
                }
                if (!regular.empty()) places.push_back(builder_.lexeme(exprs_.any_of(regular), next));
                return builder_.choice(places);
            }
            case Kind::repeat: return place_of_repeat(at, next);
            case Kind::text: break;
        }
        return next;
    }

    std::uint32_t place_of_repeat(const GbnfNode& at, std::uint32_t next) {
        const std::uint32_t inner = at.parts[0];
        if (at.max == Exprs::kUnbounded) {
            const std::uint32_t loop = builder_.add_rule();
            const std::uint32_t again =
                builder_.add({.kind = Place::Kind::rule, .a = loop, .next = Grammar::kBackPlace});
            const std::vector<std::uint32_t> ways = {place(inner, again), Grammar::kBackPlace};
            builder_.set_rule(loop, builder_.choice(ways));
            next = builder_.add({.kind = Place::Kind::rule, .a = loop, .next = next});
        } else {
            const std::uint32_t behind = next;
            for (std::uint32_t i = at.min; i < at.max; ++i) {
                const std::vector<std::uint32_t> ways = {place(inner, next), behind};
                next = builder_.choice(ways);
            }
        }
        for (std::uint32_t i = 0; i < at.min; ++i) next = place(inner, next);
        return next;
    }

    GbnfTree& tree_;
    GrammarBuilder& builder_;
    Exprs& exprs_;
    std::vector<Info> infos_;  // [rule]
    std::vector<std::uint32_t> pending_;
};

}  // namespace

Grammar Grammar::from_gbnf(std::string_view text, Memory& memory, const GrammarLimits& limits) {
    if (text.size() > limits.max_text) {
        throw Error(Status::unsupported, "grammar: {} bytes, more than {}", text.size(), limits.max_text);
    }
    GrammarBuilder builder(Dfa(&memory), memory, limits);
    GbnfTree tree = parse_gbnf(text, builder.exprs(), limits);
    GbnfCompiler(tree, builder).compile();
    return builder.finish();
}

}  // namespace linnet::constrain
