// SPDX-License-Identifier: MIT
// Log-probabilities from logits, the same on every platform. NaN counts as -infinity.
#pragma once

#include <algorithm>
#include <limits>
#include <span>

#include "tokenizer/tokenizer.hpp"

namespace linnet {

// ln of the sum of e^logit; -infinity when all are.
double log_sum(std::span<const float> logits) noexcept;

// The most probable tokens, best first, equal ones by id. Item: a token and its logprob (float). top: at most as many
// as logits. log_total: log_sum(logits).
template <class Item>
void find_top(std::span<const float> logits, double log_total, std::span<Item> top) noexcept {
    // A heap with the last of the best so far on top: with ids ascending, only a greater logit displaces it.
    const auto precedes = [](const Item& a, const Item& b) {
        return a.logprob > b.logprob || (a.logprob == b.logprob && a.token < b.token);
    };
    auto end = top.begin();
    for (std::size_t i = 0; i < logits.size() && !top.empty(); ++i) {
        const float logit = logits[i] == logits[i] ? logits[i] : -std::numeric_limits<float>::infinity();
        if (end == top.end()) {
            if (!(logit > top.front().logprob)) continue;
            std::pop_heap(top.begin(), end--, precedes);
        }
        *end++ = {static_cast<Token>(i), logit};
        std::push_heap(top.begin(), end, precedes);
    }
    std::sort(top.begin(), end, precedes);
    for (Item& item : top) item.logprob = static_cast<float>(static_cast<double>(item.logprob) - log_total);
}

}  // namespace linnet
