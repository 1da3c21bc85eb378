// SPDX-License-Identifier: MIT
// Intersection, union and emptiness of sets of values. Empty alternatives are dropped as they arise, which keeps
// products of alternatives small.
#include "constrain/schemas.hpp"

#include <algorithm>

namespace linnet::constrain {

namespace {

constexpr std::uint32_t kFalse = 0xFFFFFFFF;  // the literal that nothing satisfies

bool is_everything(const ArraySet& set) {
    return set.prefix.empty() && set.rest == kEverything && set.min == 0 && set.max == Exprs::kUnbounded &&
           set.contains.empty() && !set.unique;
}

bool is_everything(const ObjectSet& set) {
    return set.named.empty() && set.keyed.empty() && set.exists.empty() && set.min == 0 && set.max == Exprs::kUnbounded;
}

// What other alternatives say is said by one without conditions.
template <class Set>
void add_alternatives(std::vector<Set>& sets, const std::vector<Set>& more) {
    sets.insert(sets.end(), more.begin(), more.end());
    const auto all = std::ranges::find_if(sets, [](const Set& set) { return is_everything(set); });
    if (all != sets.end()) sets.assign(1, Set{});
    if (sets.size() > Schemas::kMaxAlternatives) throw Error(Status::unsupported, "schema: too many alternatives");
}

}  // namespace

Schemas::Schemas(SchemaDocument& document, Dfa& dfa, const JsonTexts& texts)
    : document_(document), dfa_(dfa), texts_(texts), alls_{{}, {kFalse}} {
    all_ids_ = {{alls_[0], kEverything}, {alls_[1], kNothing}};
    all_values_.resize(2);
    all_values_[kEverything] = {Progress::done, everything()};
    all_values_[kNothing] = {Progress::done, nothing()};
}

ValueSet Schemas::everything() const {
    return {texts_.string, texts_.number, texts_.boolean, texts_.null, {ArraySet{}}, {ObjectSet{}}};
}

ValueSet Schemas::nothing() const { return {Exprs::kNone, Exprs::kNone, Exprs::kNone, Exprs::kNone, {}, {}}; }

AllId Schemas::all(const Json& schema, bool positive) {
    const Json* target = &schema;
    // A schema that is nothing but a reference is what it refers to; a loop of such is found when it is evaluated.
    for (unsigned i = 0; i < kMaxDepth && target->is_object() && target->size() == 1 && target->contains("$ref"); ++i) {
        target = &document_.resolve(*target, "$ref");
    }
    if (target->is_boolean()) return target->get<bool>() == positive ? kEverything : kNothing;
    if (!target->is_object())
        document_.fail(*target, "", "a schema is an object or a boolean", Status::invalid_argument);
    if (target->empty()) return positive ? kEverything : kNothing;
    const auto [known, added] = schema_ids_.emplace(target, static_cast<std::uint32_t>(schemas_.size()));
    if (added) {
        schemas_.push_back(target);
        literals_.resize(2 * schemas_.size());
    }
    const std::vector<Literal> literals = {2 * known->second + (positive ? 0 : 1)};
    const auto [id, is_new] = all_ids_.emplace(literals, static_cast<AllId>(alls_.size()));
    if (is_new) {
        alls_.push_back(literals);
        all_values_.emplace_back();
    }
    return id->second;
}

AllId Schemas::both(AllId one, AllId other) {
    if (one == other || other == kEverything) return one;
    if (one == kEverything) return other;
    if (one == kNothing || other == kNothing) return kNothing;
    std::vector<Literal> literals;
    std::ranges::set_union(alls_[one], alls_[other], std::back_inserter(literals));
    for (std::size_t i = 1; i < literals.size(); ++i) {
        if (literals[i - 1] + 1 == literals[i] && literals[i] % 2 == 1) return kNothing;
    }
    const auto [id, is_new] = all_ids_.emplace(literals, static_cast<AllId>(alls_.size()));
    if (is_new) {
        if (alls_.size() > 100'000) throw Error(Status::unsupported, "schema: too many combinations of schemas");
        alls_.push_back(literals);
        all_values_.emplace_back();
    }
    return id->second;
}

const ValueSet& Schemas::evaluated(Literal literal) {
    Entry& entry = literals_[literal];
    if (entry.progress == Progress::done) return entry.values;
    const Json& schema = *schemas_[literal / 2];
    if (entry.progress == Progress::running) {
        if (guessing_ > 0) throw InProgress{};
        document_.fail(schema, "$ref", "the schema is an alternative of itself");
    }
    if (depth_ > kMaxDepth) document_.fail(schema, "$ref", "too many schemas inside of one another");
    entry.progress = Progress::running;
    ++depth_;
    try {
        entry.values = evaluate(schema, literal % 2 == 0);
    } catch (...) {
        --depth_;
        entry.progress = Progress::none;
        throw;
    }
    --depth_;
    entry.progress = Progress::done;
    return entry.values;
}

const ValueSet& Schemas::values(AllId all) {
    Entry& entry = all_values_[all];
    if (entry.progress == Progress::done) return entry.values;
    const std::vector<Literal> literals = alls_[all];
    ValueSet result = evaluated(literals[0]);
    for (std::size_t i = 1; i < literals.size(); ++i) result = meet(result, evaluated(literals[i]));
    entry.values = std::move(result);
    entry.progress = Progress::done;
    return entry.values;
}

// Both are parts of `full`; whatever is not all of `full` is a part of `plain` where that makes a difference.
ExprId Schemas::meet(ExprId one, ExprId other, ExprId full, ExprId plain) {
    if (one == full || other == Exprs::kNone) return other;
    if (other == full || one == Exprs::kNone) return one;
    if (one == plain) return other;
    if (other == plain) return one;
    return exprs().all_of(one, other);
}

ValueSet Schemas::meet(const ValueSet& one, const ValueSet& other) {
    ValueSet result = {meet(one.string, other.string, texts_.string, texts_.string_plain),
                       meet(one.number, other.number, texts_.number, texts_.number_plain),
                       meet(one.boolean, other.boolean, texts_.boolean, texts_.boolean),
                       meet(one.null, other.null, texts_.null, texts_.null),
                       {},
                       {}};
    const auto meet_alternatives = [this](const auto& ones, const auto& others, auto& results) {
        for (const auto& a : ones) {
            for (const auto& b : others) {
                auto met = is_everything(a) ? std::optional(b) : is_everything(b) ? std::optional(a) : meet(a, b);
                if (met) results.push_back(std::move(*met));
                if (results.size() > kMaxAlternatives)
                    throw Error(Status::unsupported, "schema: too many alternatives");
            }
        }
    };
    meet_alternatives(one.arrays, other.arrays, result.arrays);
    meet_alternatives(one.objects, other.objects, result.objects);
    return result;
}

ValueSet Schemas::unite(ValueSet one, const ValueSet& other) {
    const auto unite_texts = [this](ExprId a, ExprId b, ExprId full) {
        return a == full || b == full ? full : exprs().any_of(a, b);
    };
    one.string = unite_texts(one.string, other.string, texts_.string);
    one.number = unite_texts(one.number, other.number, texts_.number);
    one.boolean = unite_texts(one.boolean, other.boolean, texts_.boolean);
    one.null = unite_texts(one.null, other.null, texts_.null);
    add_alternatives(one.arrays, other.arrays);
    add_alternatives(one.objects, other.objects);
    return one;
}

std::optional<ArraySet> Schemas::meet(const ArraySet& one, const ArraySet& other) {
    ArraySet result;
    const std::size_t n = std::max(one.prefix.size(), other.prefix.size());
    for (std::size_t i = 0; i < n; ++i) {
        result.prefix.push_back(both(i < one.prefix.size() ? one.prefix[i] : one.rest,
                                     i < other.prefix.size() ? other.prefix[i] : other.rest));
    }
    result.rest = both(one.rest, other.rest);
    result.min = std::max(one.min, other.min);
    result.max = std::min(one.max, other.max);
    result.contains = one.contains;
    result.contains.insert(result.contains.end(), other.contains.begin(), other.contains.end());
    result.unique = one.unique || other.unique;
    result.unique_at = one.unique ? one.unique_at : other.unique_at;
    if (is_empty(result, 1)) return std::nullopt;
    return result;
}

std::optional<ObjectSet> Schemas::meet(const ObjectSet& one, const ObjectSet& other) {
    ObjectSet result = one;
    std::unordered_map<std::string_view, std::size_t> places;
    for (std::size_t i = 0; i < one.named.size(); ++i) places.emplace(one.named[i].key, i);
    for (const ObjectSet::Named& named : other.named) {
        const auto found = places.find(named.key);
        if (found == places.end()) {
            result.named.push_back(named);
            continue;
        }
        ObjectSet::Named& mine = result.named[found->second];
        mine.value = both(mine.value, named.value);
        mine.required = mine.required || named.required;
    }
    result.keyed.insert(result.keyed.end(), other.keyed.begin(), other.keyed.end());
    result.exists.insert(result.exists.end(), other.exists.begin(), other.exists.end());
    result.min = std::max(one.min, other.min);
    result.max = std::min(one.max, other.max);
    if (is_empty(result, 1)) return std::nullopt;
    return result;
}

AllId Schemas::value_of(const ObjectSet& set, const std::string& key, AllId value) {
    for (const ObjectSet::Keyed& keyed : set.keyed) {
        if (value != kNothing && dfa_.matches(keyed.keys, key)) value = both(value, keyed.value);
    }
    return value;
}

bool Schemas::is_empty(AllId all, unsigned depth) {
    if (all == kNothing) return true;
    if (all == kEverything || depth == 0) return false;
    ++guessing_;
    try {
        const bool empty = is_empty(values(all), depth);
        --guessing_;
        return empty;
    } catch (const InProgress&) {
        --guessing_;
        return false;
    } catch (...) {
        --guessing_;
        throw;
    }
}

bool Schemas::is_empty(const ValueSet& set, unsigned depth) {
    for (const ExprId expr : {set.string, set.number, set.boolean, set.null}) {
        if (expr != Exprs::kNone && !dfa_.matches_nothing(expr)) return false;
    }
    return std::ranges::all_of(set.arrays, [&](const ArraySet& array) { return is_empty(array, depth - 1); }) &&
           std::ranges::all_of(set.objects, [&](const ObjectSet& object) { return is_empty(object, depth - 1); });
}

void Schemas::count_work() {
    if (++work_ > kMaxWork) throw Error(Status::unsupported, "schema: too many combinations of schemas");
}

bool Schemas::is_empty(const ArraySet& set, unsigned depth) {
    count_work();
    if (set.min > set.max) return true;
    for (std::size_t i = 0; i < set.prefix.size() && i < set.min; ++i) {
        if (is_empty(set.prefix[i], depth)) return true;
    }
    if (set.min > set.prefix.size() && is_empty(set.rest, depth)) return true;
    return std::ranges::any_of(set.contains, [&](const ArraySet::Contains& contains) {
        return contains.min > contains.max || (contains.min > 0 && is_empty(contains.value, depth));
    });
}

bool Schemas::is_empty(const ObjectSet& set, unsigned depth) {
    count_work();
    if (set.min > set.max) return true;
    std::uint32_t n_required = 0;
    for (const ObjectSet::Named& named : set.named) {
        if (!named.required) continue;
        ++n_required;
        if (is_empty(value_of(set, named.key, named.value), depth)) return true;
    }
    return n_required > set.max ||
           std::ranges::any_of(set.exists, [&](const ObjectSet::Keyed& keyed) { return is_empty(keyed.value, depth); });
}

}  // namespace linnet::constrain
