// SPDX-License-Identifier: MIT
// The loop of byte pair encoding, common to both kinds of vocabulary: of all adjacent pairs that may become one
// token the one of lowest rank is joined, the leftmost of equals first, until there is none. Short words are
// searched anew each time; long ones keep a heap, so that n symbols cost O(n log n).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory_resource>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace linnet {

struct Merge {
    static constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t rank = kNoRank;
    Token token = kNoToken;
};

struct Symbol {
    std::uint32_t begin;  // in the word; the next symbol's begin is the end
    Token token;          // kNoToken: text without a token, never joined
    Merge merge = {};     // with the symbol that follows
};

// Working memory, reused from word to word.
class Merger {
  public:
    explicit Merger(std::pmr::memory_resource* memory)
        : symbols(memory), previous_(memory), next_(memory), heap_(memory) {}

    // The word: its symbols, then one with token kNoToken that begins at the word's end.
    std::pmr::vector<Symbol> symbols;

    // Joins until nothing can be joined. find(left, right, end): the Merge of two adjacent symbols, `end` being where
    // the right one ends.
    template <class Find>
    void run(const Find& find) {
        const std::size_t n = symbols.size() - 1;
        for (std::size_t i = 0; i + 1 < n; ++i) {
            symbols[i].merge = find(symbols[i], symbols[i + 1], symbols[i + 2].begin);
        }
        if (n <= kShort) {
            run_short(find);
        } else {
            run_long(find);
        }
    }

  private:
    static constexpr std::size_t kShort = 32;

    template <class Find>
    void run_short(const Find& find) {
        std::size_t n = symbols.size() - 1;
        for (;;) {
            std::size_t best = 0;
            for (std::size_t i = 1; i + 1 < n; ++i) {
                if (symbols[i].merge.rank < symbols[best].merge.rank) best = i;
            }
            if (symbols[best].merge.rank == Merge::kNoRank) break;
            symbols[best].token = symbols[best].merge.token;
            std::copy(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 2,
                      symbols.begin() + static_cast<std::ptrdiff_t>(n) + 1,
                      symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
            --n;
            const auto refresh = [&](std::size_t i) {
                symbols[i].merge = i + 1 < n ? find(symbols[i], symbols[i + 1], symbols[i + 2].begin) : Merge{};
            };
            refresh(best);
            if (best > 0) refresh(best - 1);
        }
        symbols.resize(n + 1);
    }

    template <class Find>
    void run_long(const Find& find) {
        const auto n = static_cast<std::uint32_t>(symbols.size() - 1);
        previous_.resize(n + 1u);
        next_.resize(n + 1u);
        heap_.clear();
        heap_.reserve(n);
        for (std::uint32_t i = 0; i <= n; ++i) {
            previous_[i] = i - 1;
            next_[i] = std::min(i + 1, n);
            if (symbols[i].merge.rank != Merge::kNoRank) heap_.push_back(entry(i));
        }
        const std::greater<> later;
        std::make_heap(heap_.begin(), heap_.end(), later);
        const auto refresh = [&](std::uint32_t i) {
            const std::uint32_t right = next_[i];
            symbols[i].merge = right < n ? find(symbols[i], symbols[right], symbols[next_[right]].begin) : Merge{};
            if (symbols[i].merge.rank == Merge::kNoRank) return;
            heap_.push_back(entry(i));
            std::push_heap(heap_.begin(), heap_.end(), later);
        };
        while (!heap_.empty()) {
            const std::uint64_t first = heap_.front();
            std::pop_heap(heap_.begin(), heap_.end(), later);
            heap_.pop_back();
            const auto left = static_cast<std::uint32_t>(first);
            // Entries of pairs that have changed since are left in the heap and passed over here.
            if (symbols[left].merge.rank != first >> 32) continue;
            const std::uint32_t right = next_[left];
            symbols[left].token = symbols[left].merge.token;
            symbols[right].merge = {};
            next_[left] = next_[right];
            previous_[next_[right]] = left;
            refresh(left);
            if (left > 0) refresh(previous_[left]);
        }
        std::uint32_t n_left = 0;
        for (std::uint32_t i = 0; i < n; i = next_[i]) symbols[n_left++] = symbols[i];
        symbols[n_left++] = symbols[n];
        symbols.resize(n_left);
    }

    std::uint64_t entry(std::uint32_t i) const { return std::uint64_t{symbols[i].merge.rank} << 32 | i; }

    std::pmr::vector<std::uint32_t> previous_, next_;
    std::pmr::vector<std::uint64_t> heap_;  // rank, then position
};

}  // namespace linnet
