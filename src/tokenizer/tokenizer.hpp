// SPDX-License-Identifier: MIT
// Text <-> token ids, as the model's file describes it (tokenizer.ggml.*). Immutable after construction: any number
// of threads may use one Tokenizer at once. Linear in the text's length, no recursion.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/memory.hpp"
#include "gguf/file.hpp"

namespace linnet {

using Token = std::int32_t;
inline constexpr Token kNoToken = -1;

// Values of tokenizer.ggml.token_type.
enum class TokenKind : std::uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct TokenizeOptions {
    bool add_special = true;    // add what the file's add_bos_token / add_eos_token ask for
    bool parse_special = true;  // control tokens written in the text become their ids
    bool in_text = false;       // goes on where other text stopped: SentencePiece puts no space in front
};

class Tokenizer {
  public:
    // Reads the vocabulary. `file` must outlive the Tokenizer (token texts are views into its header).
    // Throws Error(bad_file) for malformed vocabularies and Error(unsupported) naming an unknown
    // tokenizer.ggml.model or tokenizer.ggml.pre. A file without tokenizer.ggml.model, or with "none", gives a
    // Tokenizer of n_vocab() == 0 whose encode throws Error(unsupported).
    Tokenizer(const gguf::File& file, Memory& memory, const Log& log);
    ~Tokenizer();
    Tokenizer(Tokenizer&&) noexcept;

    std::uint32_t n_vocab() const noexcept;
    Token bos() const noexcept;  // kNoToken when the file has none; likewise below. WordPiece: [CLS], and [SEP] is eos
    Token eos() const noexcept;
    Token eot() const noexcept;
    bool add_bos() const noexcept;
    bool add_eos() const noexcept;
    // True for every token that ends a generation: eos, eot, eom and the well-known names of them.
    bool is_end(Token token) const noexcept;
    // True for control and user-defined tokens: text after them begins anew.
    bool is_special(Token token) const noexcept;

    // For any id: out-of-range ids are TokenKind::unknown with empty text.
    TokenKind kind(Token token) const noexcept;
    std::string_view text(Token token) const noexcept;  // as the file spells it

    // Appends the ids of `text` to `ids`. Any bytes are accepted, valid UTF-8 or not.
    // Temporary memory comes from `ids`' resource.
    void encode(std::string_view text, TokenizeOptions options, std::pmr::vector<Token>& ids) const;

    // The bytes which one token adds to a text (possibly a part of a character, possibly empty). Control tokens give
    // their text when `special` is set, else nothing. No allocation beyond `bytes` growing.
    void piece(Token token, bool special, std::pmr::string& bytes) const;

    // The whole text of `ids`: pieces concatenated, the space in front of SentencePiece and WordPiece texts dropped;
    // invalid UTF-8 stays as it is (see utf8.hpp for replacing it).
    void decode(std::span<const Token> ids, bool skip_special, std::pmr::string& text) const;
    // True when decode() drops one leading space (a stream has to do the same).
    bool drops_leading_space() const noexcept;

    // Longest text of any piece in bytes: lets a session reserve its stream buffer once.
    std::uint32_t max_piece_size() const noexcept;

  private:
    struct Impl;
    struct Deleter {
        Memory* memory;
        void operator()(Impl* impl) const noexcept;
    };
    std::unique_ptr<Impl, Deleter> impl_;
};

// Turns a sequence of pieces into text of complete UTF-8 characters: bytes of an unfinished character wait for the
// next piece; bytes that cannot become valid are replaced by U+FFFD, one per maximal invalid subsequence.
class TextStream {
  public:
    // Appends to `text` what is complete after `piece`.
    void push(std::string_view piece, std::pmr::string& text);
    // The end of the sequence: what still waits becomes U+FFFD.
    void finish(std::pmr::string& text);
    void reset() noexcept { n_pending_ = 0; }

  private:
    char pending_[4] = {};
    std::uint8_t n_pending_ = 0;
};

}  // namespace linnet
