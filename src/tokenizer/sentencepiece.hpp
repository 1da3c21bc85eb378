// SPDX-License-Identifier: MIT
// SentencePiece BPE: characters joined by the scores of the tokens that result (tokenizer.ggml.model = "llama") or by a
// list of merges ("gemma4"), unknown characters as one <0xHH> token per byte. Text reaches it with U+2581 already
// turned into a space.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "gguf/file.hpp"
#include "tokenizer/merge.hpp"
#include "tokenizer/merge_table.hpp"
#include "tokenizer/token_index.hpp"
#include "tokenizer/vocabulary.hpp"

namespace linnet {

class SentencePiece {
  public:
    // Throws Error(bad_file) without tokenizer.ggml.scores (.merges), or with a wrong number of them.
    SentencePiece(const gguf::File& file, const Vocabulary& vocabulary, Memory& memory, const Log& log);

    // Appends the tokens of a piece of text without special tokens.
    void encode(std::string_view text, Merger& merger, std::pmr::vector<Token>& ids) const;

  private:
    void read_ranks(const gguf::File& file, Memory& memory);
    void find_joints();
    void encode_word(std::string_view word, Merger& merger, std::pmr::vector<Token>& ids) const;
    void append_bytes(std::string_view bytes, std::pmr::vector<Token>& ids) const;

    const Vocabulary* vocabulary_;
    TokenIndex index_;
    std::optional<MergeTable> merges_;       // one of the two
    std::pmr::vector<std::uint32_t> ranks_;  // by token: the higher the score, the lower the rank
    std::array<Token, 256> byte_tokens_;     // <0xHH>, kNoToken where the vocabulary lacks it
    std::array<Token, 128> ascii_tokens_;
    // [last byte of a character * 256 + first byte of the next]: whether any token has such neighbours inside. No
    // merge can cross other neighbours, so that text is cut there into short words with the same result.
    std::bitset<65536> joints_;
};

}  // namespace linnet
