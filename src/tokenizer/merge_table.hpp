// SPDX-License-Identifier: MIT
// The merges of a file (tokenizer.ggml.merges), found by the ids of their two sides, so that joining touches no texts.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "base/log.hpp"
#include "gguf/file.hpp"
#include "tokenizer/merge.hpp"
#include "tokenizer/token_index.hpp"
#include "tokenizer/vocabulary.hpp"

namespace linnet {

class MergeTable {
  public:
    // index: the tokens that may be sides and results; merges that name others are counted in a warning and dropped.
    // Throws Error(bad_file) without tokenizer.ggml.merges, or for one that is no pair.
    MergeTable(const gguf::File& file, const Vocabulary& vocabulary, const TokenIndex& index, Memory& memory,
               const Log& log);

    // No Merge (kNoRank) for pairs that are not joined, among them those with kNoToken.
    Merge find(Token left, Token right) const noexcept {
        std::size_t i = slot(left, right);
        while (pairs_[i].left != kNoToken) {
            if (pairs_[i].left == left && pairs_[i].right == right) return pairs_[i].merge;
            i = i + 1 < pairs_.size() ? i + 1 : 0;
        }
        return {};
    }

  private:
    // One merge in an open-addressing table; left = kNoToken: free.
    struct Pair {
        Token left = kNoToken, right = kNoToken;
        Merge merge;
    };

    std::size_t slot(Token left, Token right) const noexcept {
        const std::uint64_t key =
            std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
        // The upper half of the product, scaled to the table's size, which then need not be a power of two.
        return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u >> 32) * pairs_.size() >> 32);
    }

    std::pmr::vector<Pair> pairs_;  // a third of it at least is free
};

}  // namespace linnet
