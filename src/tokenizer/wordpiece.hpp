// SPDX-License-Identifier: MIT
// WordPiece (tokenizer.ggml.model = "bert"): text -> normalised as BERT does -> words -> the longest tokens from the
// left. Tokens that begin a word have U+2581 in front in the file, a space here; the others continue one.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"
#include "tokenizer/token_index.hpp"
#include "tokenizer/vocabulary.hpp"

namespace linnet {

class WordPiece {
  public:
    // In characters. Longer words are the unknown token, as in all published models.
    static constexpr std::size_t kMaxWord = 100;

    WordPiece(const gguf::File& file, const Vocabulary& vocabulary, Memory& memory);

    // Appends the tokens of a piece of text without special tokens.
    void encode(std::string_view text, std::pmr::vector<Token>& ids) const;

  private:
    void encode_word(std::string_view word, std::pmr::vector<Token>& ids) const;

    const Vocabulary* vocabulary_;
    TokenIndex index_;
    bool lower_case_, strip_accents_;
};

}  // namespace linnet
