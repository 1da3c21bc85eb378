// SPDX-License-Identifier: MIT
// Finding tokens which are written out in a text (control, unknown and user-defined ones): leftmost first, and of
// those that start at one place the longest. A trie over their texts, in two flat arrays.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

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
    // Children of one node are adjacent, in ascending order of their bytes.
    struct Node {
        std::uint32_t first_child = 0;
        std::uint16_t n_children = 0;
        std::uint8_t byte = 0;
        Token control = kNoToken;       // the token of any kind that ends here
        Token user_defined = kNoToken;  // the user-defined one
    };
    const Node* child(const Node& node, std::uint8_t byte) const noexcept;

    std::pmr::vector<Node> nodes_;   // [0] is the root
    std::pmr::vector<bool> starts_;  // by first byte
    bool only_control_ = true;       // there are no user-defined ones
};

}  // namespace linnet
