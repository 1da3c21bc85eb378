// SPDX-License-Identifier: MIT
// Byte-level BPE (tokenizer.ggml.model = "gpt2"): text -> normalised -> words -> bytes -> merges of the file.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "gguf/file.hpp"
#include "tokenizer/merge.hpp"
#include "tokenizer/merge_table.hpp"
#include "tokenizer/pre_tokenizer.hpp"
#include "tokenizer/token_index.hpp"
#include "tokenizer/vocabulary.hpp"

namespace linnet {

class ByteBpe {
  public:
    // Throws Error(bad_file) without tokenizer.ggml.merges, Error(unsupported) for an unknown tokenizer.ggml.pre.
    ByteBpe(const gguf::File& file, const Vocabulary& vocabulary, Memory& memory, const Log& log);

    // Appends the tokens of a piece of text without special tokens.
    void encode(std::string_view text, Merger& merger, std::pmr::vector<Token>& ids) const;
    bool default_add_bos() const noexcept { return rule_->add_bos; }

  private:
    void encode_word(std::string_view word, Merger& merger, std::pmr::vector<Token>& ids) const;

    const Vocabulary* vocabulary_;
    const PreTokenizerRule* rule_;
    TokenIndex index_;
    std::array<Token, 256> byte_tokens_;  // kNoToken where the vocabulary lacks the byte
    bool has_all_bytes_ = true;
    MergeTable merges_;
};

}  // namespace linnet
