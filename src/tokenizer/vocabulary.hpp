// SPDX-License-Identifier: MIT
// What a file says about its tokens (tokenizer.ggml.*), validated: texts, kinds, the bytes each one stands for, and
// the ids with a meaning. After construction every id in here is below size() or kNoToken.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

enum class VocabularyModel : std::uint8_t {
    none,
    byte_bpe,       // "gpt2": texts are bytes in GPT-2's printable alphabet
    sentencepiece,  // "llama": texts have U+2581 for a space, unknown characters fall back to <0xHH> tokens
    merged_pieces,  // "gemma4": likewise, but with the merges that join them
    wordpiece,      // "bert": texts that begin a word have U+2581 in front
    unigram,        // "t5": texts have U+2581 for a space
};

class Vocabulary {
  public:
    // Longer texts of tokens are refused: no vocabulary has them, and it bounds what a lookup costs.
    static constexpr std::size_t kMaxTextSize = 1u << 16;

    // Throws as Tokenizer's constructor does. Keeps views into `file`.
    Vocabulary(const gguf::File& file, Memory& memory);

    VocabularyModel model() const noexcept { return model_; }
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(texts_.size()); }
    bool has(Token token) const noexcept { return token >= 0 && static_cast<std::uint32_t>(token) < size(); }

    // For ids that has() knows.
    std::string_view text(Token token) const noexcept { return texts_[static_cast<std::size_t>(token)]; }
    TokenKind kind(Token token) const noexcept { return kinds_[static_cast<std::size_t>(token)]; }
    // The bytes that the token adds to a text.
    std::string_view piece(Token token) const noexcept {
        const auto i = static_cast<std::size_t>(token);
        return std::string_view(pieces_).substr(piece_ends_[i], piece_ends_[i + 1] - piece_ends_[i]);
    }
    std::uint32_t max_piece_size() const noexcept { return max_piece_size_; }
    bool is_end(Token token) const noexcept;

    Token bos = kNoToken, eos = kNoToken, eot = kNoToken, eom = kNoToken, unknown = kNoToken;

  private:
    void read_kinds(const gguf::File& file, Memory& memory);
    void read_special_ids(const gguf::File& file);
    void make_pieces();
    void find_ends();

    VocabularyModel model_ = VocabularyModel::none;
    std::pmr::vector<std::string_view> texts_;
    std::pmr::vector<TokenKind> kinds_;
    std::pmr::string pieces_;                     // all of them, one after the other
    std::pmr::vector<std::uint32_t> piece_ends_;  // size() + 1 of them, the first 0
    std::pmr::vector<Token> ends_;                // ascending
    std::uint32_t max_piece_size_ = 0;
};

// tokenizer.ggml.scores, one for each token. Throws Error(bad_file) without them, for another number of them, and for
// what is not a number.
std::pmr::vector<float> read_scores(const gguf::File& file, const Vocabulary& vocabulary, Memory& memory);

// The byte of GPT-2's alphabet that `code` stands for, -1 for characters outside it.
int byte_of_gpt2_char(char32_t code) noexcept;

// Appends the bytes of a text in GPT-2's alphabet. False, with `out` as before, when a character is outside it.
bool append_gpt2_bytes(std::string_view text, std::pmr::string& out);

// The byte of a text "<0xHH>", -1 for any other text.
int byte_of_token_text(std::string_view text) noexcept;

// Appends `text` with U+2581 as a space.
void append_unescaped(std::string_view text, std::pmr::string& out);

}  // namespace linnet
