// SPDX-License-Identifier: MIT
// From sets of values to a grammar: one rule for each conjunction of schemas that is reached, objects and arrays as
// groups. Rules that no finite text satisfies are removed (least fixed point), and with them every slot that needs one.
#include <algorithm>
#include <array>
#include <optional>

#include "constrain/schema_spelling.hpp"

namespace linnet::constrain {

namespace {

constexpr std::size_t kMaxUnique = 200;  // values of elements that have to differ
constexpr std::size_t kMaxKeyKinds = 64;

class SchemaCompiler {
  public:
    SchemaCompiler(Schemas& schemas, GrammarBuilder& builder, const Spelling& spelling, Spaces spaces)
        : schemas_(schemas), builder_(builder), spelling_(spelling), exprs_(schemas.exprs()) {
        const ExprId space = spaces == Spaces::free ? schemas.texts().space : Exprs::kEmpty;
        const auto around = [&](const char* text, bool before, bool after) {
            return exprs_.concat(
                std::array{before ? space : Exprs::kEmpty, exprs_.literal(text), after ? space : Exprs::kEmpty});
        };
        colon_ = around(":", true, true);
        comma_ = around(",", true, true);
        open_object_ = around("{", false, true);
        close_object_ = around("}", true, false);
        open_array_ = around("[", false, true);
        close_array_ = around("]", true, false);
    }

    // The rule of the schema's texts.
    std::uint32_t compile() {
        const std::uint32_t root = rule(schemas_.all(schemas_.document().root(), true), spelling_.root());
        for (std::size_t i = 0; i < drafts_.size(); ++i) draft(i);
        find_productive();
        for (std::size_t i = 0; i < drafts_.size(); ++i) emit(i);
        return root;
    }

  private:
    struct Draft {
        AllId all;
        Level level;
        ExprId scalar = Exprs::kNone;
        std::vector<Group> groups;
        bool productive = false;
    };

    std::uint32_t rule(AllId all, Level level) {
        const auto [known, added] = rules_.emplace(std::pair(all, level), static_cast<std::uint32_t>(drafts_.size()));
        if (added) {
            const std::uint32_t id = builder_.add_rule();
            if (drafts_.empty()) first_rule_ = id;
            drafts_.push_back({.all = all, .level = level, .groups = {}});
        }
        return first_rule_ + known->second;
    }

    void draft(std::size_t index) {
        const Level level = drafts_[index].level;
        const ValueSet& values = schemas_.values(drafts_[index].all);
        const ExprId scalar = spelling_.scalar(values, level);
        std::vector<Group> groups;
        if (level != Level::arguments) {
            for (const ArraySet& set : values.arrays) add_array(set, groups);
        }
        for (const ObjectSet& set : values.objects) add_object(set, level, groups);
        drafts_[index].scalar = scalar;
        drafts_[index].groups = std::move(groups);
    }

    static std::uint32_t add_bit(Group& group) {
        if (group.n_bits % 64 == 0) group.required.push_back(0);
        return group.n_bits++;
    }
    static void track(Group& group, std::uint32_t needed) {
        group.n_tracked = group.max != Exprs::kUnbounded ? group.max : std::max(needed, group.min);
    }

    void add_object(const ObjectSet& set, Level level, std::vector<Group>& groups) {
        Group group;
        if (level == Level::arguments) {
            group.comma = spelling_.comma();
        } else {
            group.open = open_object_;
            group.comma = comma_;
            group.close = close_object_;
        }
        group.min = set.min;
        group.max = set.max;
        track(group, 0);
        if (set.exists.size() > Group::kMaxCounters) {
            throw Error(Status::unsupported, "schema: too many conditions on some property of an object");
        }
        group.counters.assign(set.exists.size(), {1, Exprs::kUnbounded});
        std::vector<std::string_view> names;
        for (const ObjectSet::Named& named : set.named) {
            names.emplace_back(named.key);
            const AllId value = schemas_.value_of(set, named.key, named.value);
            if (value == kNothing && named.required) return;
            if (value == kNothing) continue;
            Slot slot;
            slot.key = spelling_.named_key(named.key, level);
            if (!spelling_.has_own_keys(level)) slot.key = exprs_.concat(slot.key, colon_);
            slot.once = add_bit(group);
            if (named.required) group.required.back() |= std::uint64_t{1} << (slot.once % 64);
            const Level inner = spelling_.member_of(level, named.key);
            add_ways(set, slot, value, inner, group, [&](const ObjectSet::Keyed& exists, Slot&) {
                return schemas_.dfa().matches(exists.keys, named.key);
            });
        }
        add_other_keys(set, exprs_.literals(std::move(names)), level, group);
        groups.push_back(std::move(group));
    }

    // The other keys, apart by what they imply for the value.
    void add_other_keys(const ObjectSet& set, ExprId named, Level level, Group& group) {
        struct Kind {
            ExprId keys;
            AllId value;
        };
        const ExprId plain = schemas_.texts().string_plain;
        std::vector<Kind> kinds = {
            {named == Exprs::kNone ? plain : exprs_.all_of(plain, exprs_.negation(named)), kEverything}};
        for (const ObjectSet::Keyed& keyed : set.keyed) {
            std::vector<Kind> split;
            for (const Kind& kind : kinds) {
                const Kind inside = {exprs_.all_of(kind.keys, keyed.keys), schemas_.both(kind.value, keyed.value)};
                const Kind outside = {exprs_.all_of(kind.keys, exprs_.negation(keyed.keys)), kind.value};
                for (const Kind& part : {inside, outside}) {
                    if (!schemas_.dfa().matches_nothing(part.keys)) split.push_back(part);
                }
            }
            kinds = std::move(split);
            if (kinds.size() > kMaxKeyKinds)
                throw Error(Status::unsupported, "schema: too many kinds of property names");
        }
        for (const Kind& kind : kinds) {
            if (kind.value == kNothing) continue;
            Slot slot;
            slot.key = kind.keys;
            if (!spelling_.has_own_keys(level)) slot.colon = colon_;
            const std::size_t n_slots = group.slots.size();
            const Level inner = spelling_.member_of(level, {});
            add_ways(set, slot, kind.value, inner, group, [&](const ObjectSet::Keyed& exists, Slot& way) {
                way.key = exprs_.all_of(way.key, exists.keys);
                return !schemas_.dfa().matches_nothing(way.key);
            });
            for (std::size_t i = n_slots; i < group.slots.size(); ++i) {
                group.slots[i].key = spelling_.key(group.slots[i].key, level);
            }
            std::erase_if(group.slots, [](const Slot& way) { return way.key == Exprs::kNone; });
        }
    }

    // The slot, once for each set of conditions that such a property can fulfil. `narrow` says whether its key can, and
    // leaves the keys that do.
    template <class Narrow>
    void add_ways(const ObjectSet& set, const Slot& slot, AllId value, Level level, Group& group,
                  const Narrow& narrow) {
        for (std::uint32_t counts = 0; counts < 1U << set.exists.size(); ++counts) {
            Slot way = slot;
            AllId all = value;
            bool possible = true;
            for (std::size_t i = 0; i < set.exists.size() && possible; ++i) {
                if ((counts >> i & 1U) == 0) continue;
                all = schemas_.both(all, set.exists[i].value);
                possible = all != kNothing && narrow(set.exists[i], way);
            }
            if (!possible) continue;
            way.rule = rule(all, level);
            way.counts = counts;
            group.slots.push_back(way);
        }
    }

    void add_array(const ArraySet& set, std::vector<Group>& groups) {
        Group group;
        group.open = open_array_;
        group.comma = comma_;
        group.close = close_array_;
        group.min = set.min;
        group.max = set.max;
        std::vector<std::uint32_t> borders = {0};
        for (std::uint32_t i = 1; i <= set.prefix.size(); ++i) borders.push_back(i);
        if (set.contains.size() > Group::kMaxCounters) {
            throw Error(Status::unsupported, "schema: too many 'contains' for one array");
        }
        for (const ArraySet::Contains& contains : set.contains) {
            group.counters.push_back({contains.min, contains.max});
            borders.push_back(contains.from);
        }
        std::ranges::sort(borders);
        borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
        track(group, borders.back());
        for (std::size_t i = 0; i < borders.size(); ++i) {
            const std::uint32_t from = borders[i];
            if (from >= set.max) break;
            const std::uint32_t to = i + 1 < borders.size() ? borders[i + 1] : Exprs::kUnbounded;
            const AllId value = from < set.prefix.size() ? set.prefix[from] : set.rest;
            add_elements(set, from, to, value, group);
        }
        if (set.unique && set.max > 1) make_unique(set, group);
        groups.push_back(std::move(group));
    }

    // One slot for each way in which an element can count.
    void add_elements(const ArraySet& set, std::uint32_t from, std::uint32_t to, AllId value, Group& group) {
        for (std::uint32_t counts = 0; counts < 1U << set.contains.size(); ++counts) {
            AllId all = value;
            bool possible = true;
            for (std::size_t i = 0; i < set.contains.size(); ++i) {
                const ArraySet::Contains& contains = set.contains[i];
                if ((counts >> i & 1U) != 0) {
                    possible = possible && from >= contains.from;
                    all = schemas_.both(all, contains.value);
                } else if (contains.max != Exprs::kUnbounded && from >= contains.from) {
                    all = schemas_.both(all, contains.other);
                }
            }
            if (!possible || all == kNothing) continue;
            Slot slot;
            slot.rule = rule(all, Level::inside);
            slot.from = from;
            slot.to = to;
            slot.counts = counts;
            group.slots.push_back(slot);
        }
    }

    // Each value that an element can have becomes a slot that is used once.
    void make_unique(const ArraySet& set, Group& group) {
        const auto refuse = [&](const char* why) {
            if (set.unique_at == nullptr) throw Error(Status::unsupported, "schema: 'uniqueItems' cannot be negated");
            schemas_.document().fail(*static_cast<const Json*>(set.unique_at), "uniqueItems", why);
        };
        if (set.unique_at == nullptr) refuse("");
        std::map<std::string, std::uint32_t> bits;
        std::vector<Slot> slots;
        for (const Slot& slot : group.slots) {
            const ValueSet& values = schemas_.values(drafts_[slot.rule - first_rule_].all);
            const ExprId scalar = spelling_.scalar(values, Level::inside);
            if (!values.arrays.empty() || !values.objects.empty()) refuse("elements are not from a list of values");
            std::vector<std::string> texts;
            if (!list_texts(scalar, texts)) refuse("elements are not from a short list of values");
            for (const std::string& text : texts) {
                const std::string value = text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
                auto bit = bits.find(value);
                if (bit == bits.end()) bit = bits.emplace(value, add_bit(group)).first;
                Slot one = slot;
                one.key = exprs_.literal(text);
                one.rule = kNoId;
                one.once = bit->second;
                slots.push_back(one);
            }
        }
        group.slots = std::move(slots);
    }

    // False when there are too many.
    bool list_texts(ExprId expr, std::vector<std::string>& texts) {
        struct Visit {
            StateId state;
            std::string text;
        };
        Dfa& dfa = schemas_.dfa();
        std::vector<Visit> open = {{dfa.state(expr), ""}};
        std::size_t n_visits = 0;
        while (!open.empty()) {
            const Visit visit = std::move(open.back());
            open.pop_back();
            if (visit.state == Dfa::kDead) continue;
            if (++n_visits > 20 * kMaxUnique || texts.size() > kMaxUnique || visit.text.size() > 200) return false;
            if (dfa.accepts(visit.state)) texts.push_back(visit.text);
            for (unsigned byte = 0; byte < 256; ++byte) {
                const StateId to = dfa.next(visit.state, byte);
                if (to != Dfa::kDead) open.push_back({to, visit.text + static_cast<char>(byte)});
            }
        }
        return true;
    }

    bool is_productive(const Slot& slot) const {
        return slot.rule == kNoId || drafts_[slot.rule - first_rule_].productive;
    }

    bool is_productive(const Group& group) const {
        std::vector<std::uint64_t> bits(group.required.size());
        std::uint32_t counters = 0, reached = 0;
        bool unbounded = false;
        for (const Slot& slot : group.slots) {
            if (!is_productive(slot)) continue;
            counters |= slot.counts;
            if (slot.once == kNoId) {
                unbounded = unbounded || slot.to == Exprs::kUnbounded;
            } else {
                bits[slot.once / 64] |= std::uint64_t{1} << (slot.once % 64);
            }
        }
        for (std::size_t i = 0; i < bits.size(); ++i) {
            if ((group.required[i] & ~bits[i]) != 0) return false;
            reached += static_cast<std::uint32_t>(std::popcount(bits[i]));
        }
        for (std::size_t i = 0; i < group.counters.size(); ++i) {
            if (group.counters[i].min > 0 && (counters >> i & 1U) == 0) return false;
        }
        if (group.open == open_array_ && group.n_bits == 0) {
            // Element by element, as far as prefixes differ.
            for (reached = 0; reached < group.min; ++reached) {
                const bool found = std::ranges::any_of(group.slots, [&](const Slot& slot) {
                    return slot.from <= reached && reached < slot.to && is_productive(slot);
                });
                if (!found) return false;
                if (unbounded && reached >= group.n_tracked) return true;
            }
            return true;
        }
        return unbounded || reached >= group.min;
    }

    void find_productive() {
        for (bool changed = true; changed;) {
            changed = false;
            for (std::size_t i = drafts_.size(); i-- > 0;) {
                Draft& draft = drafts_[i];
                if (draft.productive) continue;
                draft.productive = draft.scalar != Exprs::kNone ||
                                   std::ranges::any_of(draft.groups, [&](const Group& g) { return is_productive(g); });
                changed = changed || draft.productive;
            }
        }
    }

    void emit(std::size_t index) {
        Draft& draft = drafts_[index];
        std::vector<std::uint32_t> places;
        const std::uint32_t next = builder_.lexeme(spelling_.after(draft.level), Grammar::kBackPlace);
        if (draft.scalar != Exprs::kNone) places.push_back(builder_.lexeme(draft.scalar, next));
        for (Group& group : draft.groups) {
            if (!is_productive(group)) continue;
            std::erase_if(group.slots, [&](const Slot& slot) { return !is_productive(slot); });
            const std::uint32_t id = builder_.group(std::move(group));
            places.push_back(builder_.add({.kind = Place::Kind::group, .a = id, .next = next}));
        }
        builder_.set_rule(first_rule_ + static_cast<std::uint32_t>(index), builder_.choice(places));
    }

    Schemas& schemas_;
    GrammarBuilder& builder_;
    Spelling spelling_;
    Exprs& exprs_;
    ExprId colon_, comma_, open_object_, close_object_, open_array_, close_array_;
    std::vector<Draft> drafts_;  // [rule - first_rule_]
    std::uint32_t first_rule_ = 0;
    std::map<std::pair<AllId, Level>, std::uint32_t> rules_;  // index of the draft
};

}  // namespace

Grammar Grammar::from_schema(std::string_view json, Memory& memory, Spaces spaces, const GrammarLimits& limits) {
    GrammarBuilder builder(Dfa(&memory), memory, limits);
    const JsonTexts texts = builder.make_json_texts();
    SchemaDocument document(json, limits);
    Schemas schemas(document, builder.dfa(), texts);
    SchemaCompiler(schemas, builder, Spelling(schemas), spaces).compile();
    return builder.finish();
}

Grammar Grammar::from_list(const List& list, Memory& memory, const GrammarLimits& limits) {
    GrammarBuilder builder(Dfa(&memory), memory, limits);
    const JsonTexts texts = builder.make_json_texts();
    Exprs& exprs = builder.exprs();
    const std::uint32_t root = builder.add_rule(), item = builder.add_rule(), more = builder.add_rule();
    std::vector<std::uint32_t> ways;
    for (const List::Item& way : list.items) {
        try {
            SchemaDocument document(way.schema, limits);
            Schemas schemas(document, builder.dfa(), texts);
            const std::uint32_t value =
                SchemaCompiler(schemas, builder, Spelling(schemas, list, way), Spaces::free).compile();
            const Place& first = builder.place_of(value);
            if (first.kind == Place::Kind::choice && first.b == 0) continue;  // no value satisfies it
            const std::uint32_t after = builder.lexeme(exprs.literal(way.after), Grammar::kBackPlace);
            const std::uint32_t inside = builder.add({.kind = Place::Kind::rule, .a = value, .next = after});
            ways.push_back(builder.lexeme(exprs.literal(way.before), inside));
        } catch (const Error& error) {
            throw Error(error.status(), "{}: {}", way.name, error.what());
        }
    }
    builder.set_rule(item, builder.choice(ways));
    const auto place_of = [&](std::uint32_t rule, std::uint32_t next) {
        return builder.add({.kind = Place::Kind::rule, .a = rule, .next = next});
    };
    std::vector<std::uint32_t> again = {Grammar::kBackPlace};
    if (list.many) {
        const std::uint32_t next = place_of(item, place_of(more, Grammar::kBackPlace));
        again.push_back(builder.lexeme(exprs.literal(list.separator), next));
    }
    builder.set_rule(more, builder.choice(again));
    const std::uint32_t close = builder.lexeme(exprs.literal(list.close), Grammar::kBackPlace);
    builder.set_rule(root, builder.lexeme(exprs.literal(list.open), place_of(item, place_of(more, close))));
    if (ways.empty()) builder.set_rule(root, builder.choice(ways));
    return builder.finish();
}

}  // namespace linnet::constrain
