// SPDX-License-Identifier: MIT
// The vocabulary's tokens by their bytes: a trie in preorder, so that a walk over it reads memory forwards and leaves a
// subtree by jumping to its end. With it, for the states of JSON's strings and numbers that every schema has, the
// tokens that stay inside of them. Immutable; made once for a model, shared by any number of matchers.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "base/memory.hpp"
#include "constrain/dfa.hpp"
#include "constrain/json_text.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet::constrain {

// The tokens that a state of a Dfa can read to their end, and where in the trie its text may end before a token does.
struct TokenSet {
    // More tokens than this are words.
    static constexpr std::size_t kMaxList = 256;

    explicit TokenSet(std::pmr::memory_resource* memory) : words(memory), list(memory), exits(memory) {}

    bool is_listed() const noexcept { return words.empty(); }
    // n_words: of a mask.
    void add(Token token, std::size_t n_words);
    void add_to(std::span<std::uint64_t> mask) const noexcept;

    std::pmr::vector<std::uint64_t> words;  // a bit for each id, or nothing: then
    std::pmr::vector<Token> list;           // the ids themselves
    std::pmr::vector<std::uint32_t> exits;  // nodes, ascending
};

class TokenTrie {
  public:
    struct Node {
        std::uint32_t end;          // the first node behind the subtree
        std::uint32_t first_token;  // those of node i: tokens()[nodes[i].first_token, nodes[i + 1].first_token)
        std::uint16_t depth;        // bytes from the root
        std::uint16_t height;       // bytes of the longest way down from here
        std::uint8_t byte;
    };
    // Longer tokens are never allowed by a constraint.
    static constexpr std::size_t kMaxDepth = 256;

    // Leaves out control, unknown and unused tokens.
    TokenTrie(const Tokenizer& tokenizer, Memory& memory);
    // For tests: the piece of each id; empty pieces are no tokens.
    TokenTrie(std::span<const std::string_view> pieces, std::span<const Token> ends, Memory& memory);

    std::uint32_t n_vocab() const noexcept { return n_vocab_; }
    std::size_t n_words() const noexcept { return (n_vocab_ + 63) / 64; }
    std::span<const Node> nodes() const noexcept { return {nodes_.data(), nodes_.size() - 1}; }
    std::span<const Token> tokens_of(std::uint32_t node) const noexcept {
        const std::uint32_t first = nodes_[node].first_token;
        return {&tokens_[first], nodes_[node + 1].first_token - first};
    }
    // Those that begin with the node's text.
    std::span<const Token> tokens_below(std::uint32_t node) const noexcept {
        const std::uint32_t first = nodes_[node].first_token;
        return {tokens_.data() + first, nodes_[nodes_[node].end].first_token - first};
    }
    // The node whose text is `prefix`; 0, the root's, also when there is none.
    std::uint32_t find(std::string_view prefix) const noexcept;
    std::span<const Token> ends() const noexcept { return ends_; }
    std::string_view piece(Token token) const noexcept;

    // Sets of the states that JsonTexts makes, which have the same ids in every schema's Dfa.
    std::span<const TokenSet> json_sets() const noexcept { return json_sets_; }
    // States with so many tokens that others are compared with them.
    std::span<const StateId> heavy() const noexcept { return heavy_; }

    void find_tokens(Dfa& dfa, StateId state, TokenSet& set) const;
    // The same for a state that mostly goes where `base` does, whose set is known. Both read alike in texts of up to
    // `n_same` bytes.
    void find_tokens(Dfa& dfa, StateId state, StateId base, const TokenSet& base_set, std::uint32_t n_same,
                     TokenSet& set) const;

  private:
    void build(Memory& memory);
    void finish(TokenSet& set) const;

    std::uint32_t n_vocab_ = 0;
    std::pmr::string bytes_;  // pieces of all ids, one after the other
    std::pmr::vector<std::uint32_t> piece_ends_;
    std::pmr::vector<Token> tokens_;
    std::pmr::vector<Token> ends_;
    std::pmr::vector<Node> nodes_;  // the root first, a sentinel last
    std::pmr::vector<TokenSet> json_sets_;
    std::pmr::vector<StateId> heavy_;
};

}  // namespace linnet::constrain
