// SPDX-License-Identifier: MIT
// SentencePiece unigram (tokenizer.ggml.model = "t5"; XLM-RoBERTa's kin): text -> normalised by the file's charsmap ->
// of all ways to cut it into tokens the one with the highest sum of scores (arXiv 1804.10959).
#pragma once

#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"
#include "tokenizer/charsmap.hpp"
#include "tokenizer/piece_trie.hpp"
#include "tokenizer/vocabulary.hpp"

namespace linnet {

class Unigram {
  public:
    // Bounds the work per position of a text. Longer pieces are refused.
    static constexpr std::size_t kMaxPieceSize = 1024;

    // Throws Error(bad_file) without tokenizer.ggml.scores, or with a wrong number of them.
    Unigram(const gguf::File& file, const Vocabulary& vocabulary, Memory& memory);

    // Appends the tokens of a piece of text without special tokens. space_prefix: a space belongs in front of it.
    // in_text: spaces that it begins with count.
    void encode(std::string_view text, bool space_prefix, bool in_text, std::pmr::vector<Token>& ids) const;

  private:
    void normalise(std::string_view text, bool space_prefix, bool in_text, std::pmr::string& out) const;

    const Vocabulary* vocabulary_;
    Charsmap charsmap_;
    bool merges_spaces_;
    std::pmr::vector<float> scores_;  // by token
    std::optional<PieceTrie> pieces_;
    double unknown_score_ = 0;
};

}  // namespace linnet
