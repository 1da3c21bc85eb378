// SPDX-License-Identifier: MIT
// The normalisation that a SentencePiece model carries with it (tokenizer.ggml.precompiled_charsmap): which bytes are
// replaced by which, in a double array as Darts-clone lays it out, then the replacements, each with a zero behind it.
// Everything in it is checked once, so that a lookup stays inside whatever the text.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.hpp"
#include "gguf/file.hpp"

namespace linnet {

class Charsmap {
  public:
    // Longer bytes are not looked for, and longer replacements are refused: it bounds what a byte of text costs.
    // Those that are made from Unicode's forms have some twenty.
    static constexpr std::size_t kMaxSize = 256;

    // A file without the key replaces nothing. Throws Error(bad_file) naming the key.
    Charsmap(const gguf::File& file, Memory& memory);

    struct Match {
        std::size_t size;  // 0: nothing is replaced
        std::string_view replacement;
    };
    // The longest bytes at the begin of `text` that are replaced.
    Match find(std::string_view text) const noexcept;

  private:
    void check_units() const;

    std::pmr::vector<std::uint32_t> units_;
    std::pmr::string replacements_;
};

}  // namespace linnet
