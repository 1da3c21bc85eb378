// SPDX-License-Identifier: MIT
// Schemas made of schemas (allOf, anyOf, oneOf, not, if, $ref, dependencies) and constants. A negation is pushed
// inwards until it reaches the keywords of single types.
#include <algorithm>
#include <array>

#include "constrain/schemas.hpp"

namespace linnet::constrain {

namespace {

// How many levels of values are looked at to see that two alternatives exclude each other.
constexpr unsigned kLook = 4;

constexpr const char* kRefused[] = {"$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties"};

}  // namespace

void Schemas::check_keywords(const Json& schema) const {
    for (const char* keyword : kRefused) {
        if (schema.contains(keyword)) document_.fail(schema, keyword, "this keyword is not supported");
    }
}

ValueSet Schemas::evaluate(const Json& schema, bool positive) {
    check_keywords(schema);
    ValueSet values = everything();
    ValueSet broken = nothing();
    type(schema, positive ? values : broken, positive);
    numbers(schema, values, broken);
    strings(schema, values, broken);
    arrays(schema, values, broken);
    objects(schema, values, broken);
    return logic(schema, positive ? std::move(values) : std::move(broken), positive);
}

// Meets the values of `schema`'s other keywords with those of its subschemas, or unites their negations.
ValueSet Schemas::logic(const Json& schema, ValueSet result, bool positive) {
    const auto add = [&](const ValueSet& part) {
        result = positive ? meet(result, part) : unite(std::move(result), part);
    };
    if (const Json* value = member(schema, "const")) add(constant(schema, Json::array({*value}), positive));
    if (schema.contains("enum")) add(constant(schema, *list(schema, "enum"), positive));
    if (schema.contains("$ref")) add(values(all(document_.resolve(schema, "$ref"), positive)));
    if (const Json* parts = list(schema, "allOf")) {
        for (const Json& part : *parts) add(values(all(part, positive)));
    }
    if (const Json* parts = list(schema, "anyOf")) {
        ValueSet any = positive ? nothing() : everything();
        for (const Json& part : *parts) {
            const ValueSet& one = values(all(part, positive));
            any = positive ? unite(std::move(any), one) : meet(any, one);
        }
        add(any);
    }
    if (const Json* parts = list(schema, "oneOf")) {
        try {
            if (positive) {
                result = one_of(*parts, result, true);
            } else {
                add(one_of(*parts, everything(), false));
            }
        } catch (const Error& error) {
            if (error.status() != Status::unsupported ||
                std::string_view(error.what()).find('#') != std::string_view::npos) {
                throw;
            }
            document_.fail(schema, "oneOf", "too many ways to satisfy exactly one");
        }
    }
    if (const Json* part = member(schema, "not")) add(values(all(*part, !positive)));
    if (schema.contains("if") && (schema.contains("then") || schema.contains("else")))
        add(conditional(schema, positive));
    for (const char* keyword : {"dependentSchemas", "dependentRequired", "dependencies"}) {
        if (schema.contains(keyword)) add(dependencies(schema, keyword, positive));
    }
    return result;
}

// Which alternatives exclude each other depends on what else is asked for: `others`.
ValueSet Schemas::one_of(const Json& list, const ValueSet& others, bool positive) {
    std::vector<AllId> parts;
    for (const Json& part : list) parts.push_back(all(part, true));
    ValueSet result = nothing();
    if (positive) {
        std::vector<ValueSet> alone;
        for (const AllId part : parts) alone.push_back(meet(others, values(part)));
        for (std::size_t i = 0; i < parts.size(); ++i) {
            ValueSet only = alone[i];
            for (std::size_t j = 0; j < parts.size(); ++j) {
                if (j == i || is_empty(both(parts[i], parts[j]), kLook)) continue;
                if (!is_empty(meet(alone[i], values(parts[j])), kLook)) only = meet(only, values(all(list[j], false)));
            }
            result = unite(std::move(result), only);
        }
        return result;
    }
    // None of them, or two.
    ValueSet none = everything();
    for (const Json& part : list) none = meet(none, values(all(part, false)));
    result = unite(std::move(result), none);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        for (std::size_t j = i + 1; j < parts.size(); ++j) {
            const AllId pair = both(parts[i], parts[j]);
            if (!is_empty(pair, kLook)) result = unite(std::move(result), values(pair));
        }
    }
    return result;
}

ValueSet Schemas::conditional(const Json& schema, bool positive) {
    const Json& condition = *member(schema, "if");
    const auto branch = [&](const char* keyword, bool holds) {
        ValueSet result = values(all(condition, holds));
        const Json* then = member(schema, keyword);
        if (then == nullptr) return positive ? result : nothing();
        return meet(result, values(all(*then, positive)));
    };
    return unite(branch("then", true), branch("else", false));
}

// For each key: it is absent, or it is there and what depends on it holds.
ValueSet Schemas::dependencies(const Json& schema, const char* keyword, bool positive) {
    ValueSet result = positive ? everything() : nothing();
    const Json* map = schema_map(schema, keyword);
    for (const auto& [key, value] : map->items()) {
        const std::string name = json_string(key);
        ValueSet absent = everything();
        absent.objects = {ObjectSet{}};
        absent.objects[0].named = {{name, kNothing, false}};
        ValueSet present = nothing();
        ObjectSet with;
        with.named = {{name, kEverything, true}};
        present.objects = {with};
        ValueSet holds = everything();
        if (value.is_array()) {
            const Json needed = {{"required", value}, {"type", "object"}};
            holds = values(all(document_.keep(needed, schema), positive));
        } else {
            holds = values(all(value, positive));
        }
        present = meet(present, holds);
        result = positive ? meet(result, unite(std::move(absent), present)) : unite(std::move(result), present);
    }
    return result;
}

// Arrays and objects as schemas that only they satisfy.
const Json& Schemas::constant_schema(const Json& value, const Json& origin) {
    Json schema = Json::object();
    if (value.is_array()) {
        schema["type"] = "array";
        schema["minItems"] = value.size();
        schema["maxItems"] = value.size();
        if (!value.empty()) schema["prefixItems"] = Json::array();
        for (const Json& element : value) schema["prefixItems"].push_back(Json{{"const", element}});
    } else {
        schema["type"] = "object";
        schema["additionalProperties"] = false;
        schema["properties"] = Json::object();
        schema["required"] = Json::array();
        for (const auto& [key, element] : value.items()) {
            schema["properties"][key] = Json{{"const", element}};
            schema["required"].push_back(key);
        }
    }
    return document_.keep(std::move(schema), origin);
}

ValueSet Schemas::constant(const Json& schema, const Json& list, bool positive) {
    Exprs& table = exprs();
    std::vector<std::string> strings;
    std::vector<ExprId> numbers, shortest, booleans;
    const ExprId point_zero = document_.has_integers_with_point() ? table.optional(table.literal(".0")) : Exprs::kEmpty;
    ValueSet result = positive ? nothing() : everything();
    ValueSet scalars = nothing();
    for (const Json& value : list) {
        if (value.is_string()) {
            strings.push_back(json_string(value.get_ref<const std::string&>()));
        } else if (value.is_number()) {
            Decimal number;
            if (!read_decimal(value.dump(), number)) document_.fail(schema, "const", "a number out of proportion");
            numbers.push_back(number_equal(table, number));
            const std::string text =
                format_text("{}{}", number.negative ? "-" : "", number.integer.empty() ? "0" : number.integer);
            shortest.push_back(number.fraction.empty() ? table.concat(table.literal(text), point_zero)
                                                       : table.literal(format_text("{}.{}", text, number.fraction)));
        } else if (value.is_boolean()) {
            booleans.push_back(table.literal(value.get<bool>() ? "true" : "false"));
        } else if (value.is_null()) {
            scalars.null = texts_.null;
        } else {
            const AllId all_of_value = all(constant_schema(value, schema), positive);
            result = positive ? unite(std::move(result), values(all_of_value)) : meet(result, values(all_of_value));
        }
    }
    scalars.string = table.literals({strings.begin(), strings.end()});
    scalars.boolean = table.any_of(booleans);
    scalars.number = table.any_of(positive ? shortest : numbers);
    if (positive) return unite(std::move(result), scalars);
    ValueSet others = everything();
    if (!strings.empty()) others.string = without(texts_.string_plain, scalars.string);
    if (!numbers.empty()) others.number = without(texts_.number_plain, scalars.number);
    if (!booleans.empty()) others.boolean = without(texts_.boolean, scalars.boolean);
    if (scalars.null != Exprs::kNone) others.null = Exprs::kNone;
    return meet(result, others);
}

}  // namespace linnet::constrain
