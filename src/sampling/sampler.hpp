// SPDX-License-Identifier: MIT
// Choosing the next token from logits. Deterministic for a seed on every platform: own generator, own exp, fixed order,
// ties broken by the lower id. After construction it allocates nothing.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "base/memory.hpp"
#include "sampling/banned.hpp"
#include "sampling/chain.hpp"
#include "sampling/options.hpp"
#include "sampling/random.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

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
    std::span<const float> adjusted(std::span<const float> logits) noexcept;
    void penalise() noexcept;
    void find_breakers(std::span<const std::string_view> texts);
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
    std::optional<Chain> chain_;              // when the options need one
    BannedTexts banned_;
    std::pmr::vector<Token> text_;     // [2 * dry_window] its latest tokens, moved down when there is no room
    std::size_t n_text_ = 0;           // tokens in text_
    std::pmr::vector<bool> breakers_;  // [n_vocab] DRY's matches end at these
    std::uint32_t n_history_ = 0;      // tokens in the ring
    std::uint32_t next_ = 0;           // where the ring is written
};

}  // namespace linnet
