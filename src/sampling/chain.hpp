// SPDX-License-Identifier: MIT
// The next token by a chain of stages in any order: a list of candidates that each stage re-scores or shortens, and a
// draw from what is left. Definitions are those of linnet.h; ties go to the lower id. After construction it allocates
// nothing.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "base/memory.hpp"
#include "sampling/options.hpp"
#include "sampling/random.hpp"

namespace linnet {

struct Candidate {
    float score;
    Token token;
};

// Best first, equal ones by id: the order in which filters keep tokens.
inline bool precedes(const Candidate& a, const Candidate& b) noexcept {
    return a.score > b.score || (a.score == b.score && a.token < b.token);
}

class Chain {
  public:
    // options: valid, without zeros that stand for defaults.
    Chain(std::uint32_t n_vocab, const SamplerOptions& options, Memory& memory);

    // What stages know about the text so far.
    struct Past {
        std::span<const std::uint32_t> counts;   // [n_vocab] occurrences in the window of penalties; may be empty
        std::span<const Token> text;             // the latest tokens, for DRY
        const std::pmr::vector<bool>& breakers;  // [n_vocab] tokens that end DRY's matches; may be empty
    };
    // scores: [n_vocab], those at -infinity and NaN are no candidates. Token 0 when there are none.
    Token sample(std::span<const float> scores, const Past& past, Random& random) noexcept;
    void reset() noexcept { surprise_limit_ = 2.0 * static_cast<double>(options_.mirostat_tau); }

    // For tests: the candidates before the draw, with their probabilities in place of scores.
    std::span<const Candidate> last() const noexcept { return candidates(); }

  private:
    struct Sums {
        double total;  // of weights e^(score - best)
        double mean;   // of score - best, weighted
    };

    std::span<Candidate> candidates() noexcept { return std::span(list_).first(n_); }
    std::span<const Candidate> candidates() const noexcept { return std::span(list_).first(n_); }
    void apply(Stage stage, const Past& past, Random& random) noexcept;
    void sort() noexcept;
    float best() const noexcept;
    Sums sums() const noexcept;
    template <class Keep>
    void filter(Keep keep) noexcept;

    void penalise(const Past& past) noexcept;
    void penalise_repeats(const Past& past) noexcept;
    void keep_top_k() noexcept;
    void keep_top_p() noexcept;
    void keep_typical() noexcept;
    void keep_sigmas() noexcept;
    void exclude_top(Random& random) noexcept;
    void temper() noexcept;
    Token choose(Random& random) noexcept;

    SamplerOptions options_;
    std::pmr::vector<Stage> stages_;
    float min_p_cut_;
    double surprise_limit_ = 0.0;              // mirostat's mu, in bits
    std::pmr::vector<Candidate> list_;         // [n_vocab]
    std::pmr::vector<Candidate> scratch_;      // [n_vocab] for sorting
    std::pmr::vector<std::uint32_t> matches_;  // [dry_window]
    std::pmr::vector<std::uint32_t> longest_;  // [n_vocab] of the match that a token would go on with
    std::size_t n_ = 0;
    bool sorted_ = false;  // best first
    bool by_id_ = false;   // by ascending id
};

}  // namespace linnet
