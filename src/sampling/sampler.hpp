// SPDX-License-Identifier: MIT
// Choosing the next token from logits. Deterministic for a seed on every platform: own generator, own exp, fixed order,
// ties broken by the lower id. After construction it allocates nothing.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "base/memory.hpp"
#include "sampling/random.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

struct LogitBias {
    Token token;
    float bias;
};

// Meanings, ranges and order as linnet_sampler_options in linnet.h.
struct SamplerOptions {
    std::uint32_t top_k = 0;
    float temperature = 0.0F;
    float top_p = 0.0F;
    float min_p = 0.0F;
    float repetition_penalty = 0.0F;
    float frequency_penalty = 0.0F;
    float presence_penalty = 0.0F;
    std::uint32_t penalty_window = 0;  // 0: 64
    std::uint64_t seed = 0;
    std::span<const LogitBias> biases = {};
};

// The id of the greatest logit, the lowest one of several. NaN counts as -infinity; 0 when nothing is above that.
Token arg_max(std::span<const float> logits) noexcept;

class Sampler {
  public:
    // Throws Error(invalid_argument) naming the option that is out of range (NaN, negative ...).
    Sampler(std::uint32_t n_vocab, const SamplerOptions& options, Memory& memory);

    // logits: [n_vocab], unchanged. Does not add to the history.
    // NaN logits count as -infinity; when nothing is left (all -infinity) the answer is token 0.
    Token sample(std::span<const float> logits) noexcept;
    // Notes that `token` became part of the text (penalties look back at these).
    void accept(Token token) noexcept;
    // The text is this one now: penalties look back at its last tokens.
    void set_history(std::span<const Token> text) noexcept;
    // Back to the state after construction: seed and empty history.
    void reset() noexcept;

    std::uint32_t n_vocab() const noexcept { return n_vocab_; }

    // How much a token counts when one is drawn: e^((score - best) / temperature), nothing where score - best < cut.
    struct Weighting {
        float best;
        float temperature;
        float cut;
    };

  private:
    struct Candidate {
        float score;  // the adjusted logit, or the weight that comes from it
        Token token;
    };

    // The order in which filters keep tokens.
    static bool precedes(const Candidate& a, const Candidate& b) noexcept {
        return a.score > b.score || (a.score == b.score && a.token < b.token);
    }

    std::span<const float> adjusted(std::span<const float> logits) noexcept;
    std::span<Candidate> keep_top_k(std::span<const float> scores) noexcept;
    std::span<Candidate> keep_top_p(std::span<const float> scores, float best) noexcept;
    std::uint32_t find_cut(std::span<const Candidate> members, float best, double& missing) noexcept;
    Token choose(std::span<Candidate> candidates, const Weighting& weighting) noexcept;
    Token choose_any(std::span<const float> scores, const Weighting& weighting) noexcept;

    std::uint32_t n_vocab_;
    SamplerOptions options_;  // its biases are those of biases_
    float min_p_cut_;         // on logit - best logit; -infinity without min_p
    Random random_;
    // Sized by the constructor when the options need them, else empty.
    std::pmr::vector<LogitBias> biases_;
    std::pmr::vector<float> scores_;          // [n_vocab] logits as changed by biases and penalties
    std::pmr::vector<float> block_sums_;      // weights of blocks of tokens: temperature, min_p
    std::pmr::vector<double> buckets_;        // probabilities by distance from the best: top_p
    std::pmr::vector<Candidate> candidates_;  // [top_k], or [n_vocab] for top_p alone
    std::pmr::vector<std::uint32_t> counts_;  // [n_vocab] occurrences in history_: penalties
    std::pmr::vector<Token> history_;         // [penalty_window], a ring
    std::uint32_t n_history_ = 0;             // tokens in the ring
    std::uint32_t next_ = 0;                  // where the ring is written
};

}  // namespace linnet
