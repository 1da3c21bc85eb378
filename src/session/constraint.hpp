// SPDX-License-Identifier: MIT
// A grammar at work on one session: what was generated since the host last appended satisfies it so far. Masks logits,
// says when the text is at its end, and finds the tokens that follow without choice. What it remembers of the grammar
// grows with the situations that come up (MatcherLimits); a situation that came before costs no memory.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "base/memory.hpp"
#include "constrain/matcher.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

class Constraint {
  public:
    // n_vocab: of the model, which may have more ids than the vocabulary has tokens.
    Constraint(std::shared_ptr<const constrain::Grammar> grammar, std::shared_ptr<const constrain::TokenTrie> trie,
               std::uint32_t n_vocab, Memory& memory);

    // The text begins anew behind the first n_tokens of the sequence.
    void begin(std::size_t n_tokens) noexcept;
    // The sequence has been cut to n_tokens.
    void truncate(std::size_t n_tokens) noexcept;
    // Reads what the sequence has gained. Throws Error when a limit is reached or the tokens are not allowed.
    void follow(std::span<const Token> sequence);

    // Nothing can come any more (after follow).
    bool at_end();
    // `logits` with those of tokens that may not come at -infinity. Throws Error(unsupported) when there are none.
    std::span<const float> masked(std::span<const float> logits);
    // The chosen token, or when it may not come (all that may are banned), the first one that may. After masked().
    Token allowed(Token chosen) const noexcept;

    // What the text has to go on with, as the tokenizer would write it: `n_dropped` tokens at the end of the sequence
    // make way for `tokens`, whose first `n_shown` bytes are the dropped ones' text. What might become part of a longer
    // token with what is chosen next is left out. No tokens: nothing is forced, or no more than `room` tokens fit.
    struct Jump {
        std::uint32_t n_dropped = 0;
        std::size_t n_shown = 0;
        std::span<const Token> tokens = {};  // valid until the next call
    };
    Jump jump(std::span<const Token> sequence, const Tokenizer& tokenizer, std::size_t room);

  private:
    static constexpr std::size_t kWindow = 12;     // tokens before the border that are tokenised again
    static constexpr std::size_t kMaxDropped = 4;  // of them may change
    static constexpr std::size_t kMaxTail = 8;     // tokens at the end that may merge with what comes

    void check(Status status) const;
    void fill_mask();
    bool encode(const Tokenizer& tokenizer, std::string_view text);
    bool may_merge(std::string_view suffix, const constrain::ByteSet& next) const noexcept;

    std::shared_ptr<const constrain::Grammar> grammar_;
    std::shared_ptr<const constrain::TokenTrie> trie_;
    std::uint32_t n_vocab_;
    constrain::Matcher matcher_;
    std::size_t start_ = 0;   // of the text in the sequence
    std::size_t n_read_ = 0;  // tokens of the text that the matcher has read, one step each
    bool has_mask_ = false;   // mask_ is that of the matcher's state
    std::pmr::vector<std::uint64_t> mask_;
    std::pmr::vector<float> logits_;  // [n_vocab]
    std::pmr::string text_;           // forced, behind that of the window
    std::pmr::vector<Token> ids_;
    std::pmr::string piece_;
};

}  // namespace linnet
