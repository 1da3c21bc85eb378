// SPDX-License-Identifier: MIT
// Constraints in tests: small vocabularies, whole texts through a matcher, and masks as a check of every token gives
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "constrain/matcher.hpp"

namespace constrain_support {

using namespace linnet::constrain;
using linnet::Error;
using linnet::Memory;
using linnet::Status;
using linnet::Token;

// Every byte as a token, the pieces, and one token that ends a text (the last).
class Vocabulary {
  public:
    explicit Vocabulary(Memory& memory, const std::vector<std::string>& pieces = {}) : pieces_(pieces) {
        for (unsigned byte = 0; byte < 256; ++byte) pieces_.emplace_back(1, static_cast<char>(byte));
        pieces_.emplace_back();
        const std::vector<std::string_view> views(pieces_.begin(), pieces_.end());
        const auto end = static_cast<Token>(pieces_.size() - 1);
        trie_ = std::make_unique<TokenTrie>(views, std::span(&end, 1), memory);
    }
    const TokenTrie& trie() const { return *trie_; }
    Token end() const { return static_cast<Token>(pieces_.size() - 1); }
    std::size_t size() const { return pieces_.size(); }
    const std::string& piece(Token token) const { return pieces_[static_cast<std::size_t>(token)]; }
    // The longest token that `text` begins with: a tokenizer good enough for tests.
    Token longest(std::string_view text) const {
        std::size_t best = 0, size = 0;
        for (std::size_t i = 0; i + 1 < pieces_.size(); ++i) {
            if (pieces_[i].size() > size && text.starts_with(pieces_[i])) {
                best = i;
                size = pieces_[i].size();
            }
        }
        return static_cast<Token>(best);
    }

  private:
    std::vector<std::string> pieces_;
    std::unique_ptr<TokenTrie> trie_;
};

// Pieces of texts, as a trained vocabulary has them.
inline std::vector<std::string> cut(const std::vector<std::string>& texts, std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::string> pieces;
    while (pieces.size() < n) {
        const std::string& text = texts[random() % texts.size()];
        if (text.empty()) continue;
        const std::size_t at = random() % text.size();
        pieces.push_back(text.substr(at, 1 + random() % 12));
    }
    return pieces;
}

inline bool has(const std::vector<std::uint64_t>& mask, Token token) {
    const auto id = static_cast<std::size_t>(token);
    return (mask[id / 64] >> (id % 64) & 1U) != 0;
}

// Whether the matcher takes the whole text and could end after it; it is reset first.
inline bool accepts(Matcher& matcher, std::string_view text) {
    matcher.reset();
    return matcher.accept_text(text) == Status::ok && matcher.is_complete();
}

inline bool accepts(const Grammar& grammar, std::string_view text) {
    Memory memory;
    const Vocabulary vocabulary(memory);
    Matcher matcher(grammar, vocabulary.trie(), memory);
    return accepts(matcher, text);
}

// Tokens for which the mask and trying them disagree.
inline std::string mask_errors(Matcher& matcher, const Vocabulary& vocabulary) {
    std::vector<std::uint64_t> mask(matcher.n_words());
    std::string wrong;
    if (matcher.fill_mask(mask) != Status::ok) wrong = "fill_mask failed";
    const std::size_t n_steps = matcher.n_steps();
    for (std::size_t id = 0; id < vocabulary.size(); ++id) {
        const auto token = static_cast<Token>(id);
        const bool is_taken = matcher.accept(token) == Status::ok;
        matcher.rollback(n_steps);
        if (is_taken != has(mask, token)) wrong += vocabulary.piece(token) + " ";
    }
    return wrong;
}

// The error that making a grammar gives, "" when it gives none.
template <class Make>
std::string error_of(Make make) {
    try {
        make();
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

}  // namespace constrain_support
