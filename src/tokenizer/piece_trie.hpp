// SPDX-License-Identifier: MIT
// Texts of tokens as a trie in one flat array: which of them begin at a place of a text, found byte by byte.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "base/memory.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

class PieceTrie {
  public:
    struct Entry {
        std::string_view text;
        Token token;
    };
    static constexpr std::uint32_t kRoot = 0;

    // Of equal texts the lowest token counts. The texts need not outlive the call.
    PieceTrie(std::pmr::vector<Entry> entries, Memory& memory);

    // kRoot where there is none.
    std::uint32_t child(std::uint32_t node, char byte) const noexcept;
    // Whose text ends at the node; kNoToken: none.
    Token token(std::uint32_t node) const noexcept { return nodes_[node].token; }
    bool empty() const noexcept { return nodes_.size() == 1; }

  private:
    // Children of one node are adjacent, in ascending order of their bytes.
    struct Node {
        std::uint32_t first_child = 0;
        Token token = kNoToken;
        std::uint16_t n_children = 0;
        std::uint8_t byte = 0;
    };

    std::pmr::vector<Node> nodes_;
};

}  // namespace linnet
