// SPDX-License-Identifier: MIT
// One token sequence under a constraint: which tokens may come next, and what follows without choice. A Matcher keeps
// what it has seen (states, transitions, masks), so that the same situation costs next to nothing; that memory is
// bounded. Many matchers may share a Grammar and a TokenTrie, which outlive them; one thread at a time uses a Matcher.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "constrain/machine.hpp"
#include "constrain/token_trie.hpp"

namespace linnet::constrain {

class Matcher {
  public:
    Matcher(const Grammar& grammar, const TokenTrie& trie, Memory& memory, const MatcherLimits& limits = {});

    // Words of a mask: a bit for each id of the vocabulary, token t at word t / 64, bit t % 64.
    std::size_t n_words() const noexcept { return trie_.n_words(); }
    // Sets the bits of the tokens that may come next and clears the others. Tokens that end a generation are among them
    // when the text may end here. After the end, and after a failure, only those.
    // Not ok: out_of_memory, or unsupported for a limit; then `mask` allows nothing and the matcher stays where it is.
    Status fill_mask(std::span<std::uint64_t> mask) noexcept;
    // Appends a token. Status::invalid_argument, and nothing changed, when it may not come here.
    Status accept(Token token) noexcept;
    // Appends text instead of tokens; all of it or nothing. Counts as one step for rollback.
    Status accept_text(std::string_view text) noexcept;
    // What the last status that was not ok, and no invalid_argument, was about.
    const char* error_text() const noexcept { return error_text_; }
    // Whether the text so far satisfies the constraint.
    bool is_complete() const noexcept;
    // Whether an end token was accepted.
    bool has_ended() const noexcept { return ended_; }
    // Appends to `text` the bytes that have to follow whatever tokens are chosen, as far as there is no choice
    // (at most `max_size` of them).
    Status forced_text(std::pmr::string& text, std::size_t max_size = 4096) noexcept;

    // `bytes` becomes those that may come next.
    Status next_bytes(ByteSet& bytes) noexcept;

    // Steps since the start, and going back to an earlier number of them: to 0 always, else by up to kMaxRollback steps
    // (Status::invalid_argument, and nothing changed, beyond).
    static constexpr std::size_t kMaxRollback = 256;
    std::size_t n_steps() const noexcept { return history_.size() - 1; }
    Status rollback(std::size_t n_steps) noexcept;
    void reset() noexcept { rollback(0); }

  private:
    static constexpr std::size_t kMaxWordSets = 256;    // sets of tokens that are not lists kept
    static constexpr std::size_t kMaxCrossings = 4096;  // kept

    struct StateTokens {
        TokenSet tokens;
        std::uint32_t exits;  // the set whose exits are those of this one
    };
    // Tokens in which a lexeme ends and the grammar goes on.
    struct Crossing {
        std::uint32_t place, part, stack;  // of the lexeme
        std::uint32_t exits;               // the set that has them
        TokenSet tokens;
    };

    template <class Work>
    Status guarded(Work work) noexcept;
    void make_mask(SetId set, std::span<std::uint64_t> mask);
    ByteSet first_bytes(SetId set);
    const TokenSet& crossing(const Machine::Item& item, std::uint32_t exits);
    void walk_exits(SetId start, std::span<const std::uint32_t> exits, TokenSet& tokens);
    std::uint32_t set_of(StateId state);
    std::uint32_t make_set(StateId state);
    std::uint32_t exits_of(std::uint32_t set) const noexcept {
        return set < json_sets_.size() ? set : token_sets_[set - json_sets_.size()].exits;
    }
    const TokenSet& tokens_of(std::uint32_t set) const noexcept {
        return set < json_sets_.size() ? json_sets_[set] : token_sets_[set - json_sets_.size()].tokens;
    }
    StateId base_of(StateId state, std::uint32_t& n_same);
    SetId read(SetId set, std::string_view text);
    void advance(SetId set);
    void tidy(SetId& set);

    const TokenTrie& trie_;
    std::span<const TokenSet> json_sets_;  // of the first states, when they are JSON's
    std::span<const StateId> heavy_;
    MatcherLimits limits_;
    std::pmr::memory_resource* memory_;
    Machine machine_;
    std::pmr::vector<SetId> history_;
    bool ended_ = false;
    char error_text_[160] = {};
    // Sets are json_sets_, by state, then token_sets_.
    std::pmr::vector<std::uint32_t> set_of_state_;  // kNoId: not made yet
    std::pmr::vector<StateTokens> token_sets_;
    std::size_t n_word_sets_ = 0;
    std::pmr::vector<Crossing> crossings_;
    IdTable crossing_ids_;
};

}  // namespace linnet::constrain
