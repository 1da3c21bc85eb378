// SPDX-License-Identifier: MIT
// Logits of many positions: for the commands which need rows that linnet.h does not give out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/forward.hpp"
#include "model/model.hpp"
#include "tools/options.hpp"

namespace tools {

// parallel_for: computes instead of the engine's own threads, on as many threads as options say.
std::unique_ptr<linnet::Model> load_model(const ModelOptions& options, linnet::ParallelFor parallel_for = nullptr,
                                          void* parallel_user = nullptr);

// Cache and scratch for n_ctx positions and, per pass, n_batch tokens of which n_logits may have logits.
linnet::PassShape pass_shape(const SessionOptions& options, std::size_t n_ctx, std::size_t n_batch,
                             std::size_t n_logits);

// Tokens per pass such that a pass's logits take about 64 MB; the option's number when it is given.
std::uint32_t chunk_size(const PassOptions& options, std::uint32_t n_vocab);

// UsageError naming the first id outside of the vocabulary.
void check_tokens(std::span<const linnet::Token> tokens, std::uint32_t n_vocab);

// Runs one pass to its end.
void run_pass(linnet::Forward& forward, std::span<const linnet::Token> tokens, std::uint32_t pos,
              std::uint32_t n_logits, linnet::Profile* profile = nullptr);

// Computes `tokens` at positions pos, pos + 1 ... in passes of n_batch, and calls row(i, logits) in order for the last
// n_rows of them, i being the index in `tokens`. Unless n_rows is 0, the shape's n_logits must be its n_batch.
template <class Row>
void feed(linnet::Forward& forward, std::span<const linnet::Token> tokens, std::size_t pos, std::size_t n_rows,
          Row&& row) {
    const std::size_t first = tokens.size() - n_rows;
    std::size_t n = 0;
    for (std::size_t begin = 0; begin < tokens.size(); begin += n) {
        n = std::min<std::size_t>(forward.shape().n_batch, tokens.size() - begin);
        const std::size_t n_logits = begin + n <= first ? 0 : std::min(n, begin + n - first);
        run_pass(forward, tokens.subspan(begin, n), static_cast<std::uint32_t>(pos + begin),
                 static_cast<std::uint32_t>(n_logits));
        if (n_logits == 0) continue;
        const std::span<const float> logits = forward.logits();
        const std::size_t n_vocab = logits.size() / n_logits;
        for (std::size_t i = 0; i < n_logits; ++i) {
            row(begin + n - n_logits + i, logits.subspan(i * n_vocab, n_vocab));
        }
    }
}

// The most probable token, the lowest id among equals, and its lead over the second.
struct Best {
    linnet::Token token;
    float margin;
};
Best best(std::span<const float> logits);

// log(sum(exp(logits))), in double.
double log_sum_exp(std::span<const float> logits);

}  // namespace tools
