// SPDX-License-Identifier: MIT
// Regular expressions and choice lists as grammars of one lexeme.
#include <nlohmann/json.hpp>

#include "constrain/grammar.hpp"
#include "constrain/pattern.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet::constrain {

namespace {

Grammar of_lexeme(GrammarBuilder& builder, ExprId expr) {
    if (builder.dfa().matches_nothing(expr)) throw Error(Status::invalid_argument, "the constraint allows no text");
    const std::uint32_t rule = builder.add_rule();
    builder.set_rule(rule, builder.lexeme(expr, Grammar::kBackPlace));
    return builder.finish();
}

}  // namespace

Grammar Grammar::from_regex(std::string_view pattern, Memory& memory, const GrammarLimits& limits) {
    if (pattern.size() > limits.max_text) {
        throw Error(Status::unsupported, "regular expression: {} bytes, more than {}", pattern.size(), limits.max_text);
    }
    GrammarBuilder builder(Dfa(&memory), memory, limits);
    return of_lexeme(builder, whole_pattern(builder.exprs(), pattern));
}

Grammar Grammar::from_choices(std::span<const std::string_view> choices, Memory& memory, const GrammarLimits& limits) {
    GrammarBuilder builder(Dfa(&memory), memory, limits);
    std::size_t n_bytes = 0;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        n_bytes += choices[i].size();
        if (n_bytes > limits.max_text) throw Error(Status::unsupported, "choices: more than {} bytes", limits.max_text);
        if (!utf8::is_valid(choices[i])) throw Error(Status::invalid_argument, "choices: number {} is no UTF-8", i);
    }
    if (choices.empty()) throw Error(Status::invalid_argument, "choices: there are none");
    return of_lexeme(builder, builder.exprs().literals({choices.begin(), choices.end()}));
}

Grammar Grammar::from_choices(std::string_view json, Memory& memory, const GrammarLimits& limits) {
    if (json.size() > limits.max_text) {
        throw Error(Status::unsupported, "choices: {} bytes, more than {}", json.size(), limits.max_text);
    }
    nlohmann::json list;
    try {
        list = nlohmann::json::parse(json);
    } catch (const nlohmann::json::exception& error) {
        throw Error(Status::invalid_argument, "choices: {}", error.what());
    }
    if (!list.is_array()) throw Error(Status::invalid_argument, "choices: no array");
    std::vector<std::string_view> choices;
    for (const nlohmann::json& choice : list) {
        if (!choice.is_string()) throw Error(Status::invalid_argument, "choices: /{} is no string", choices.size());
        choices.emplace_back(choice.get_ref<const std::string&>());
    }
    return from_choices(choices, memory, limits);
}

}  // namespace linnet::constrain
