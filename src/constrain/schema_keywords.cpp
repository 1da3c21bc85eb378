// SPDX-License-Identifier: MIT
// Keywords about one type of values. Each narrows `values`, where everything else stays allowed, and adds to `broken`
// the values that do not satisfy it.
#include <algorithm>
#include <array>
#include <cmath>

#include "constrain/pattern.hpp"
#include "constrain/schemas.hpp"

namespace linnet::constrain {

namespace {

constexpr std::uint64_t kMaxDivisor = 100'000;

}  // namespace

std::uint32_t Schemas::count(const Json& schema, const char* key, std::uint32_t missing) const {
    const Json* value = member(schema, key);
    if (value == nullptr) return missing;
    const double number = value->is_number() ? value->get<double>() : -1;
    if (missing == Exprs::kUnbounded && number > 1e9) return missing;  // no text is that long
    if (!(number >= 0) || number > 1e9 || number != static_cast<std::uint32_t>(number)) {
        document_.fail(schema, key, "not a whole number up to a billion", Status::invalid_argument);
    }
    return static_cast<std::uint32_t>(number);
}

const Json* Schemas::list(const Json& schema, const char* key) const {
    const Json* value = member(schema, key);
    if (value != nullptr && !value->is_array()) document_.fail(schema, key, "not an array", Status::invalid_argument);
    return value;
}

const Json* Schemas::schema_map(const Json& schema, const char* key) const {
    const Json* value = member(schema, key);
    if (value != nullptr && !value->is_object()) document_.fail(schema, key, "not an object", Status::invalid_argument);
    return value;
}

Decimal Schemas::decimal(const Json& schema, const char* key) const {
    const Json& value = *member(schema, key);
    Decimal result;
    if (!value.is_number()) document_.fail(schema, key, "not a number", Status::invalid_argument);
    if (!read_decimal(value.dump(), result)) document_.fail(schema, key, "out of proportion");
    return result;
}

void Schemas::type(const Json& schema, ValueSet& values, bool positive) {
    const Json* type = member(schema, "type");
    if (type == nullptr) return;
    const Json names = type->is_array() ? *type : Json::array({*type});
    const ExprId integer = document_.has_integers_with_point() ? texts_.integer_zero : texts_.integer;
    ValueSet allowed = nothing();
    for (const Json& name : names) {
        const std::string_view text = name.is_string() ? std::string_view(name.get_ref<const std::string&>()) : "";
        if (text == "string") {
            allowed.string = texts_.string;
        } else if (text == "number") {
            allowed.number = texts_.number;
        } else if (text == "integer") {
            if (allowed.number == Exprs::kNone) allowed.number = integer;
        } else if (text == "boolean") {
            allowed.boolean = texts_.boolean;
        } else if (text == "null") {
            allowed.null = texts_.null;
        } else if (text == "array") {
            allowed.arrays = {ArraySet{}};
        } else if (text == "object") {
            allowed.objects = {ObjectSet{}};
        } else {
            document_.fail(schema, "type", "not a type", Status::invalid_argument);
        }
    }
    if (positive) {
        values = std::move(allowed);
        return;
    }
    const auto rest = [](ExprId expr, ExprId full) { return expr == Exprs::kNone ? full : Exprs::kNone; };
    values.string = rest(allowed.string, texts_.string);
    values.boolean = rest(allowed.boolean, texts_.boolean);
    values.null = rest(allowed.null, texts_.null);
    if (allowed.arrays.empty()) values.arrays = {ArraySet{}};
    if (allowed.objects.empty()) values.objects = {ObjectSet{}};
    values.number = rest(allowed.number, texts_.number);
    if (allowed.number == integer) {
        // Not an integer, whatever the draft: with a fraction that is not zero.
        const ExprId zeros = exprs().star(exprs().literal("0"));
        const ExprId whole =
            exprs().concat(texts_.integer, exprs().optional(exprs().concat(exprs().literal("."), zeros)));
        values.number = without(texts_.number_plain, whole);
    }
}

void Schemas::numbers(const Json& schema, ValueSet& values, ValueSet& broken) {
    Exprs& table = exprs();
    const auto add = [&](ExprId holds) {
        values.number = meet(values.number, holds, texts_.number, texts_.number_plain);
    };
    struct Side {
        const char *key, *exclusive_key;
        bool up;
    };
    for (const Side& side : {Side{"minimum", "exclusiveMinimum", true}, Side{"maximum", "exclusiveMaximum", false}}) {
        const auto limit = [&](const char* key, bool exclusive) {
            const Decimal bound = decimal(schema, key);
            add(side.up ? number_at_least(table, bound, exclusive) : number_at_most(table, bound, exclusive));
            const ExprId other =
                side.up ? number_at_most(table, bound, !exclusive) : number_at_least(table, bound, !exclusive);
            broken.number = table.any_of(broken.number, other);
        };
        const Json* exclusive = member(schema, side.exclusive_key);
        const bool is_flag = exclusive != nullptr && exclusive->is_boolean();  // draft 4
        if (schema.contains(side.key)) limit(side.key, is_flag && exclusive->get<bool>());
        if (exclusive != nullptr && !is_flag) limit(side.exclusive_key, true);
    }
    if (!schema.contains("multipleOf")) return;
    const Decimal factor = decimal(schema, "multipleOf");
    const std::string digits = factor.integer + factor.fraction;
    if (factor.negative || factor.zero())
        document_.fail(schema, "multipleOf", "not positive", Status::invalid_argument);
    std::uint64_t divisor = 0;
    for (const char c : digits) {
        divisor = divisor * 10 + static_cast<std::uint64_t>(c - '0');
        // Every remainder is a state.
        if (divisor > kMaxDivisor || digits.size() > 40) document_.fail(schema, "multipleOf", "too many digits");
    }
    const ExprId multiple = number_multiple(table, divisor, static_cast<std::uint32_t>(factor.fraction.size()));
    add(table.all_of(texts_.number_plain, multiple));
    broken.number = table.any_of(broken.number, without(texts_.number_plain, multiple));
}

void Schemas::strings(const Json& schema, ValueSet& values, ValueSet& broken) {
    Exprs& table = exprs();
    const auto add = [&](ExprId holds) {
        values.string = meet(values.string, holds, texts_.string, texts_.string_plain);
        broken.string = table.any_of(broken.string, without(texts_.string_plain, holds));
    };
    const auto text_of = [&](const char* key) -> const std::string& {
        const Json& value = *member(schema, key);
        if (!value.is_string()) document_.fail(schema, key, "not a string", Status::invalid_argument);
        return value.get_ref<const std::string&>();
    };
    const auto pattern = [&](const char* key, std::string_view text) {
        const auto known = patterns_.find(text);
        if (known != patterns_.end()) return known->second;
        try {
            return patterns_.emplace(text, json_pattern(table, texts_, text)).first->second;
        } catch (const Error& error) {
            document_.fail(schema, key, error.what(), error.status());
        }
    };
    const std::uint32_t min = count(schema, "minLength", 0);
    const std::uint32_t max = count(schema, "maxLength", Exprs::kUnbounded);
    if (min > 0 || max != Exprs::kUnbounded) {
        const ExprId quote = table.literal("\"");
        const auto sized = [&](std::uint32_t from, std::uint32_t to) {
            const ExprId inside = from > to ? Exprs::kNone : table.repeat(texts_.char_any, from, to);
            return table.concat(std::array{quote, inside, quote});
        };
        values.string = meet(values.string, sized(min, max), texts_.string, texts_.string_plain);
        if (min > 0) broken.string = table.any_of(broken.string, sized(0, min - 1));
        if (max != Exprs::kUnbounded) broken.string = table.any_of(broken.string, sized(max + 1, Exprs::kUnbounded));
    }
    if (schema.contains("pattern")) add(pattern("pattern", text_of("pattern")));
    if (!schema.contains("format") || !document_.asserts_formats() || !member(schema, "format")->is_string()) return;
    bool known = false;
    const std::string_view format = format_pattern(text_of("format"), known);
    if (!format.empty()) {
        add(pattern("format", format));
    } else if (known) {
        document_.fail(schema, "format", format_text("'{}' is not supported", text_of("format")));
    }
}

void Schemas::arrays(const Json& schema, ValueSet& values, ValueSet& broken) {
    ArraySet set;
    set.min = count(schema, "minItems", 0);
    set.max = count(schema, "maxItems", Exprs::kUnbounded);
    if (set.min > 0) {
        ArraySet shorter;
        shorter.max = set.min - 1;
        broken.arrays.push_back(shorter);
    }
    if (set.max != Exprs::kUnbounded) {
        ArraySet longer;
        longer.min = set.max + 1;
        broken.arrays.push_back(longer);
    }
    array_items(schema, set, broken.arrays);
    if (const Json* contains = member(schema, "contains")) {
        const std::uint32_t min = count(schema, "minContains", 1);
        const std::uint32_t max = count(schema, "maxContains", Exprs::kUnbounded);
        const AllId value = all(*contains, true), other = all(*contains, false);
        if (min > 0 || max != Exprs::kUnbounded) set.contains.push_back({0, value, other, min, max});
        ArraySet fewer, more;
        if (min > 0) {
            fewer.contains.push_back({0, value, other, 0, min - 1});
            broken.arrays.push_back(fewer);
        }
        if (max != Exprs::kUnbounded) {
            more.contains.push_back({0, value, other, max + 1, Exprs::kUnbounded});
            broken.arrays.push_back(more);
        }
    }
    const Json* unique = member(schema, "uniqueItems");
    if (unique != nullptr && unique->is_boolean() && unique->get<bool>()) {
        set.unique = true;
        set.unique_at = &schema;
        ArraySet repeats;  // says nothing of what it is, so that a use of it is refused
        repeats.min = 2;
        repeats.unique = true;
        repeats.unique_at = nullptr;
        broken.arrays.push_back(repeats);
    }
    for (ArraySet& alternative : values.arrays) {
        alternative = set;  // it said nothing yet
    }
    if (!values.arrays.empty() && is_empty(set, 0)) values.arrays.clear();
}

void Schemas::array_items(const Json& schema, ArraySet& set, std::vector<ArraySet>& broken) {
    const Json* prefix = list(schema, "prefixItems");
    const Json* items = member(schema, "items");
    if (items != nullptr && items->is_array()) {  // before 2020-12
        prefix = items;
        items = member(schema, "additionalItems");
    }
    if (prefix != nullptr) {
        for (const Json& item : *prefix) {
            set.prefix.push_back(all(item, true));
            ArraySet one;
            one.prefix.assign(set.prefix.size() - 1, kEverything);
            one.prefix.push_back(all(item, false));
            one.min = static_cast<std::uint32_t>(set.prefix.size());
            if (one.prefix.back() != kNothing) broken.push_back(one);
        }
    }
    if (items == nullptr) return;
    set.rest = all(*items, true);
    const AllId other = all(*items, false);
    if (other == kNothing) return;
    const auto from = static_cast<std::uint32_t>(set.prefix.size());
    ArraySet one;
    one.contains.push_back({from, other, set.rest, 1, Exprs::kUnbounded});
    one.min = from + 1;
    broken.push_back(one);
}

void Schemas::objects(const Json& schema, ValueSet& values, ValueSet& broken) {
    ObjectSet set;
    set.min = count(schema, "minProperties", 0);
    set.max = count(schema, "maxProperties", Exprs::kUnbounded);
    ObjectSet one;
    if (set.min > 0) {
        one.max = set.min - 1;
        broken.objects.push_back(one);
    }
    if (set.max != Exprs::kUnbounded) {
        one = {};
        one.min = set.max + 1;
        broken.objects.push_back(one);
    }
    object_members(schema, set, broken.objects);
    const Json* required = list(schema, "required");
    const Json* flag = member(schema, "required");
    if (flag != nullptr && flag->is_boolean()) required = nullptr;
    if (required != nullptr) {
        for (const Json& name : *required) {
            if (!name.is_string()) document_.fail(schema, "required", "not strings", Status::invalid_argument);
            const std::string key = json_string(name.get_ref<const std::string&>());
            auto named = std::ranges::find(set.named, key, &ObjectSet::Named::key);
            if (named == set.named.end()) named = set.named.insert(named, {key, kEverything, true});
            named->required = true;
            one = {};
            one.named = {{key, kNothing, false}};
            broken.objects.push_back(one);
        }
    }
    if (const Json* names = member(schema, "propertyNames")) {
        const ExprId allowed = this->values(all(*names, true)).string;
        if (allowed != texts_.string) {
            const ExprId others = without(texts_.string_plain, allowed);
            set.keyed.push_back({others, kNothing});
            one = {};
            one.exists.push_back({others, kEverything});
            broken.objects.push_back(one);
        }
    }
    for (ObjectSet& alternative : values.objects) alternative = set;  // it said nothing yet
    if (!values.objects.empty() && is_empty(set, 0)) values.objects.clear();
}

void Schemas::object_members(const Json& schema, ObjectSet& set, std::vector<ObjectSet>& broken) {
    Exprs& table = exprs();
    std::vector<ExprId> others;  // keys that additionalProperties does not mean
    ObjectSet one;
    if (const Json* properties = schema_map(schema, "properties")) {
        std::vector<std::string_view> keys;
        for (const auto& [key, value] : properties->items()) {
            set.named.push_back({json_string(key), all(value, true), false});
            one = {};
            one.named = {{set.named.back().key, all(value, false), true}};
            if (one.named[0].value != kNothing) broken.push_back(one);
        }
        for (const ObjectSet::Named& named : set.named) keys.emplace_back(named.key);
        others.push_back(table.literals(std::move(keys)));
    }
    const auto add = [&](ExprId keys, const Json& value) {
        const AllId holds = all(value, true), fails = all(value, false);
        if (holds != kEverything) set.keyed.push_back({keys, holds});
        one = {};
        one.exists.push_back({keys, fails});
        if (fails != kNothing) broken.push_back(one);
    };
    if (const Json* patterns = schema_map(schema, "patternProperties")) {
        for (const auto& [pattern, value] : patterns->items()) {
            try {
                const ExprId keys = json_pattern(table, texts_, pattern);
                others.push_back(keys);
                add(keys, value);
            } catch (const Error& error) {
                document_.fail(schema, "patternProperties", error.what(), error.status());
            }
        }
    }
    if (const Json* additional = member(schema, "additionalProperties")) {
        add(table.negation(table.any_of(others)), *additional);
    }
}

}  // namespace linnet::constrain
