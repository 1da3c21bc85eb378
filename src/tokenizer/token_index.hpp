// SPDX-License-Identifier: MIT
// From the bytes of a text to the token that stands for exactly them: an open-addressing table over the
// vocabulary's pieces. Of tokens with equal pieces the lowest id is found.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.hpp"

namespace linnet {

class TokenIndex {
  public:
    // A table that needs longer searches was made to: an honest one stays below a hundred or two.
    static constexpr std::size_t kMaxProbes = 1024;

    // Holds the tokens whose kind's bit is set in `kinds`. Keeps a reference to the vocabulary. Throws Error(bad_file)
    // for texts that were chosen to collide.
    TokenIndex(const Vocabulary& vocabulary, std::uint32_t kinds, Memory& memory);

    Token find(std::string_view piece) const noexcept;
    std::uint32_t max_size() const noexcept { return max_size_; }  // of the pieces in here

    static constexpr std::uint32_t bit(TokenKind kind) { return 1u << static_cast<unsigned>(kind); }

  private:
    struct Slot {
        std::uint32_t hash;  // spares most comparisons of texts
        Token token;         // kNoToken: free
    };
    const Vocabulary* vocabulary_;
    std::pmr::vector<Slot> slots_;  // a power of two, at most half of it used
    std::uint32_t max_size_ = 0;
};

}  // namespace linnet
