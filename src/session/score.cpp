// SPDX-License-Identifier: MIT
// Session::score. The sequence's own logits give the first token of every continuation; each token that follows takes
// one pass. Whatever happens, the sequence ends as it began.
#include "base/error.hpp"
#include "base/workers.hpp"
#include "sampling/logprobs.hpp"
#include "session/session.hpp"

namespace linnet {

namespace {

double logprob(std::span<const float> logits, double log_total, Token token) noexcept {
    const double logit = static_cast<double>(logits[static_cast<std::size_t>(token)]);
    return logit == logit ? logit - log_total : -std::numeric_limits<double>::infinity();
}

}  // namespace

void Session::score(std::span<const std::span<const Token>> continuations, std::span<double> logprobs) {
    const FloatEnvironment environment;
    std::size_t longest = 0;
    for (const std::span<const Token> tokens : continuations) longest = std::max(longest, tokens.size());
    if (longest > 0 && longest - 1 > shape().n_ctx - tokens_.size()) {
        throw Error(Status::context_full, "a continuation of {} tokens does not fit behind {} in n_ctx = {}", longest,
                    tokens_.size(), shape().n_ctx);
    }
    while (compute(0) != Computed::all) {
    }
    const std::span<const float> logits = forward_.logits();
    const double log_total = log_sum(logits);
    for (std::size_t i = 0; i < continuations.size(); ++i) {
        logprobs[i] = continuations[i].empty() ? 0.0 : logprob(logits, log_total, continuations[i][0]);
    }
    for (std::size_t i = 0; i < continuations.size(); ++i) {
        if (continuations[i].size() > 1) logprobs[i] += score_one(continuations[i]);
    }
}

// All but the first token's.
double Session::score_one(std::span<const Token> continuation) {
    const std::size_t n_tokens = tokens_.size();
    struct Restore {
        Session& session;
        std::size_t n_tokens, n_noted;
        ~Restore() {
            session.drop_from(n_tokens);
            session.n_noted_ = static_cast<std::uint32_t>(n_noted);
        }
    } restore{*this, n_tokens, n_noted_};
    double sum = 0.0;
    for (std::size_t i = 1; i < continuation.size(); ++i) {
        tokens_.push_back(continuation[i - 1]);
        while (compute(0) != Computed::all) {
        }
        sum += logprob(forward_.logits(), log_sum(forward_.logits()), continuation[i]);
    }
    return sum;
}

}  // namespace linnet
