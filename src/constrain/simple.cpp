// SPDX-License-Identifier: MIT
// Regular expressions and choice lists as grammars of one lexeme.
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

}  // namespace linnet::constrain
