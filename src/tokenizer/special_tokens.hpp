// SPDX-License-Identifier: MIT
// Finding tokens which are written out in a text (control, unknown and user-defined ones): leftmost first, and of
// those that start at one place the longest.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

#include "tokenizer/piece_trie.hpp"
#include "tokenizer/vocabulary.hpp"

namespace linnet {

class SpecialTokens {
  public:
    // Bounds the work per position of a text. Longer ones are refused.
    static constexpr std::size_t kMaxTextSize = 1024;

    SpecialTokens(const Vocabulary& vocabulary, Memory& memory);

    struct Match {
        std::size_t begin, size;  // size 0: none, begin is the text's end
        Token token;
    };
    // The first one in `text` from `begin` on; without `control` only user-defined ones count.
    Match find(std::string_view text, std::size_t begin, bool control) const noexcept;

  private:
    std::optional<PieceTrie> all_, user_defined_;
    std::pmr::vector<bool> starts_;  // by first byte
};

}  // namespace linnet
