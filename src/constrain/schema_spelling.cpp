// SPDX-License-Identifier: MIT
// Strings without escapes are those whose JSON text the schema allows (Exprs::unescaped).
#include "constrain/schema_spelling.hpp"

#include <algorithm>
#include <array>

namespace linnet::constrain {

namespace {

// What a reader without a schema takes for something else than a string.
constexpr std::string_view kLooksTyped =
    R"([ \t\r\n]*([\[{"\-0-9][\s\S]*|(true|false|null|True|False|None)[ \t\r\n]*))";
// Below the greatest double, however the digits are.
constexpr std::string_view kSized = R"(-?[0-9]{1,200}(\.[0-9]{1,100})?([eE][+\-]?[0-9]{1,2})?)";

std::string unquoted(std::string_view key) { return Json::parse(key).get<std::string>(); }

}  // namespace

Spelling::Spelling(Schemas& schemas, const Grammar::List& list, const Grammar::List::Item& item)
    : schemas_(schemas), exprs_(schemas.exprs()), plain_(false), texts_(item.texts) {
    if (list.notation != nullptr) notation_ = *list.notation;
    std::vector<std::string_view> never(list.never.begin(), list.never.end());
    for (const std::string_view text : notation_.never) {
        if (!text.empty()) never.push_back(text);
    }
    const ExprId inside = exprs_.concat(exprs_.literals(std::move(never)), Exprs::kAny);
    clean_ = exprs_.negation(exprs_.concat(Exprs::kAny, inside));
}

Level Spelling::member_of(Level level, std::string_view key) const {
    if (level != Level::arguments) return Level::inside;
    if (key.empty()) return Level::argument;
    return std::ranges::find(texts_, unquoted(key)) != texts_.end() ? Level::text : Level::argument;
}

ExprId Spelling::string(ExprId strings, Level level) {
    if (level == Level::inside && !notation_.all_texts) return exprs_.all_of(strings, clean_);
    if (notation_.texts[0].pattern.empty()) return exprs_.all_of(strings, clean_);
    ExprId raw = exprs_.all_of(exprs_.unescaped(strings), clean_);
    if (level == Level::argument && !notation_.all_texts) {
        raw = exprs_.all_of(raw, exprs_.negation(pattern(kLooksTyped)));
    }
    ExprId result = Exprs::kNone;
    for (const TextForm& form : notation_.texts) {
        if (form.pattern.empty()) continue;
        const ExprId text = exprs_.all_of(raw, pattern(form.pattern));
        const std::array parts = {exprs_.literal(form.open), text, exprs_.literal(form.close)};
        if (!schemas_.dfa().matches_nothing(text)) result = exprs_.any_of(result, exprs_.concat(parts));
    }
    return result;
}

ExprId Spelling::number(ExprId numbers) { return plain_ ? numbers : exprs_.all_of(numbers, pattern(kSized)); }

ExprId Spelling::scalar(const ValueSet& values, Level level) {
    Dfa& dfa = schemas_.dfa();
    if (level == Level::arguments) return Exprs::kNone;
    std::vector<ExprId> alive;
    const auto add = [&](ExprId expr) {
        if (!dfa.matches_nothing(expr)) alive.push_back(expr);
        return !dfa.matches_nothing(expr);
    };
    if (!dfa.matches_nothing(values.string) && !add(plain_ ? values.string : string(values.string, level))) {
        throw Error(Status::unsupported, "schema: none of the texts of a string can be written");
    }
    if (!dfa.matches_nothing(values.number)) add(number(values.number));
    if (!notation_.python) {
        add(values.boolean);
        add(values.null);
    } else {
        if (dfa.matches(values.boolean, "true")) add(exprs_.literal("True"));
        if (dfa.matches(values.boolean, "false")) add(exprs_.literal("False"));
        if (dfa.matches(values.null, "null")) add(exprs_.literal("None"));
    }
    return exprs_.any_of(alive);
}

ExprId Spelling::key(ExprId keys, Level level) {
    if (plain_) return keys;
    if (!has_own_keys(level)) return exprs_.all_of(keys, clean_);
    const ExprId raw = exprs_.all_of(std::array{exprs_.unescaped(keys), pattern(notation_.key), clean_});
    if (schemas_.dfa().matches_nothing(raw)) return Exprs::kNone;
    return exprs_.concat(std::array{exprs_.literal(notation_.before_key), raw, exprs_.literal(notation_.after_key)});
}

ExprId Spelling::named_key(std::string_view key, Level level) {
    if (plain_) return exprs_.literal(key);
    const std::string name = unquoted(key);
    const bool own = has_own_keys(level);
    if (own && schemas_.dfa().matches(exprs_.all_of(pattern(notation_.key), clean_), name)) {
        return exprs_.literal(format_text("{}{}{}", notation_.before_key, name, notation_.after_key));
    }
    if (!own && schemas_.dfa().matches(clean_, name)) return exprs_.literal(key);
    throw Error(Status::unsupported, "schema, 'properties': the name {} cannot be written", key);
}

ExprId Spelling::after(Level level) {
    const bool is_argument = level == Level::argument || level == Level::text;
    return is_argument ? exprs_.literal(notation_.after_value) : Exprs::kEmpty;
}

}  // namespace linnet::constrain
