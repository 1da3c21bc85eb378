// SPDX-License-Identifier: MIT
// Golden files: token ids and the logits that follow them, or the vectors that a model makes of them, in a small binary
// format that other implementations write as well. Little-endian: "GLDN", int32 version = 1, kind, n_tokens, n_rows,
// n_cols, n_greedy, tokens[n_tokens], float32 rows[n_rows][n_cols], greedy[n_greedy], float32 margins[n_greedy].
// kind 0: a row of logits for each token; 1: each token's final state, then the pooled one, which is not normalised.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <span>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace tools {

inline constexpr std::int32_t kGoldenLogits = 0;
inline constexpr std::int32_t kGoldenVectors = 1;

struct GoldenHeader {
    char magic[4] = {'G', 'L', 'D', 'N'};
    std::int32_t version = 1;
    std::int32_t kind = kGoldenLogits;
    std::int32_t n_tokens = 0;
    std::int32_t n_rows = 0;
    std::int32_t n_cols = 0;
    std::int32_t n_greedy = 0;
};
static_assert(sizeof(GoldenHeader) == 28);

struct Golden {
    std::int32_t kind = kGoldenLogits;
    std::vector<linnet::Token> tokens;
    std::uint32_t n_cols = 0;           // n_vocab, or d_model
    std::vector<float> rows;            // [tokens.size() (and one for vectors), n_cols]
    std::vector<linnet::Token> greedy;  // continues the tokens
    std::vector<float> margins;         // [greedy.size()]: best minus second best logit of each step

    // From golden.json beside the file, when there is one; 0: not given.
    double rounding_noise = 0;    // how far logits move when every weight changes by one unit in the last place
    std::uint32_t n_ctx_min = 0;  // context lengths to open the model with
    std::uint32_t n_ctx_max = 0;

    std::span<const float> row(std::size_t i) const { return {rows.data() + i * n_cols, n_cols}; }
};

// path: golden.bin or the folder that holds it. Throws, naming the path, when it is not a golden.
Golden read_golden(std::filesystem::path path);

// Raw little-endian items.
template <class T>
void write_items(std::ostream& out, std::span<const T> items) {
    out.write(reinterpret_cast<const char*>(items.data()), static_cast<std::streamsize>(items.size_bytes()));
}

}  // namespace tools
