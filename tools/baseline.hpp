// SPDX-License-Identifier: MIT
// A baseline of `linnet perplexity`: the logits of one model over a text, with which another's are compared.
// Little-endian: "LNKL", int32 version = 1, n_vocab, n_ctx, n_windows, n_rows; then for each window its tokens [n_ctx]
// and float32 logits [n_rows][n_vocab], those after the tokens n_ctx - 1 - n_rows .. n_ctx - 2.
#pragma once

#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "tools/windows.hpp"

namespace tools {

struct BaselineHeader {
    char magic[4] = {'L', 'N', 'K', 'L'};
    std::int32_t version = 1;
    std::int32_t n_vocab = 0;
    std::int32_t n_ctx = 0;
    std::int32_t n_windows = 0;
    std::int32_t n_rows = 0;
    bool operator==(const BaselineHeader&) const = default;
};
static_assert(sizeof(BaselineHeader) == 24);

class BaselineWriter {
  public:
    BaselineWriter(const std::string& path, const BaselineHeader& header);
    void begin_window(std::span<const linnet::Token> tokens);
    void add_row(std::span<const float> logits);
    void finish();  // throws when something could not be written

  private:
    std::string path_;
    std::ofstream out_;
};

// How far a model is from the baseline, over all rows.
struct Divergence {
    double sum = 0;  // of KL(baseline || model), nats
    double sum_of_squares = 0;
    double max = 0;
    std::size_t n = 0;
    std::size_t n_same_top = 0;  // rows whose most probable token is the same
};

class BaselineReader {
  public:
    // Throws when the file is no baseline, or one of another text, vocabulary or context.
    BaselineReader(const std::string& path, const BaselineHeader& expected);
    void begin_window(std::span<const linnet::Token> tokens);
    void compare_row(std::span<const float> logits);
    const Divergence& divergence() const { return divergence_; }

  private:
    void read(void* target, std::size_t size);

    std::string path_;
    std::ifstream in_;
    std::vector<float> row_;
    Divergence divergence_;
};

}  // namespace tools
