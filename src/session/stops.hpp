// SPDX-License-Identifier: MIT
// Where a generation stops: tokens, and texts that are found across tokens and never shown. Text that may be the
// beginning of a stop text is held back until it is certain. What is shown does not depend on how tokens cut the text.
#pragma once

#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

class Stops {
  public:
    static constexpr std::size_t kMaxBytes = 4096;  // of all texts

    // capacity: the longest text that push() gets. Throws Error(invalid_argument) for empty texts, such that are no
    // UTF-8, and too many bytes. Nothing else allocates.
    Stops(std::span<const std::string_view> texts, std::span<const Token> tokens, std::size_t capacity, Memory& memory);

    bool has(Token token) const noexcept;

    struct Shown {
        std::string_view text;  // terminated; valid until the next call
        bool stopped = false;   // a stop text begins behind it
    };
    // The text goes on. The stop text that ends first counts, of those the longest.
    Shown push(std::string_view text) noexcept;
    // The text is at its end: all of it is certain.
    std::string_view finish(std::string_view text) noexcept;
    // What comes next is another text; what is held back will be shown.
    void restart() noexcept { start_ = held_.size(); }
    // The same, and what is held back is forgotten.
    void reset() noexcept;

  private:
    std::string_view show(std::size_t n, std::size_t n_gone) noexcept;

    std::pmr::vector<std::pmr::string> texts_;
    std::pmr::vector<Token> tokens_;
    std::pmr::string held_;
    std::pmr::string shown_;
    std::size_t start_ = 0;  // in held_: no stop text begins before
};

}  // namespace linnet
