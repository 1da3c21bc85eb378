// SPDX-License-Identifier: MIT
// Texts that must not come: which tokens would complete one, given the text so far. After construction it allocates
// nothing. Bounds: kMaxBytes for all texts together, so that a step stays cheap whatever they are.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.hpp"
#include "constrain/token_trie.hpp"

namespace linnet {

class BannedTexts {
  public:
    static constexpr std::size_t kMaxBytes = 4096;

    // Throws Error(invalid_argument) for an empty text, one that is no UTF-8, or too many bytes.
    BannedTexts(std::span<const std::string_view> texts, std::shared_ptr<const constrain::TokenTrie> trie,
                Memory& memory);

    // Of the longest text, in bytes.
    std::size_t max_size() const noexcept { return tail_.size() + 1; }
    bool empty() const noexcept { return texts_.empty(); }
    // The text goes on with `token`; a control token begins another one.
    void accept(Token token) noexcept;
    void reset() noexcept { n_tail_ = 0; }
    // -infinity for the tokens that would complete a text.
    void ban(std::span<float> scores) const noexcept;

  private:
    void ban_tokens_with(std::string_view prefix, std::span<float> scores) const noexcept;

    std::shared_ptr<const constrain::TokenTrie> trie_;
    std::pmr::vector<std::pmr::string> texts_;
    std::pmr::vector<Token> always_;  // tokens that hold a whole text
    std::pmr::string tail_;           // [longest text - 1] the last bytes of the text so far
    std::size_t n_tail_ = 0;
};

}  // namespace linnet
