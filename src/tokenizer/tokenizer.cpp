// SPDX-License-Identifier: MIT
// The parts put together: special tokens split the text, the vocabulary's model encodes what is between them.
#include "tokenizer/tokenizer.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <optional>

#include "base/error.hpp"
#include "tokenizer/byte_bpe.hpp"
#include "tokenizer/sentencepiece.hpp"
#include "tokenizer/special_tokens.hpp"
#include "tokenizer/unigram.hpp"
#include "tokenizer/vocabulary.hpp"
#include "tokenizer/wordpiece.hpp"

namespace linnet {

struct Tokenizer::Impl {
    Impl(const gguf::File& file, Memory& memory, const Log& log)
        : vocabulary(file, memory), specials(vocabulary, memory) {
        switch (vocabulary.model()) {
            case VocabularyModel::none: return;
            case VocabularyModel::byte_bpe: bpe.emplace(file, vocabulary, memory, log); break;
            case VocabularyModel::sentencepiece:
            case VocabularyModel::merged_pieces: sentencepiece.emplace(file, vocabulary, memory, log); break;
            case VocabularyModel::wordpiece: wordpiece.emplace(file, vocabulary, memory); break;
            case VocabularyModel::unigram: unigram.emplace(file, vocabulary, memory); break;
        }
        // The first converters of Gemma 4 wrote false for its <bos> by mistake.
        const bool is_gemma4 = vocabulary.model() == VocabularyModel::merged_pieces;
        const bool default_add_bos = bpe ? bpe->default_add_bos() : !unigram;
        add_bos = file.boolean("tokenizer.ggml.add_bos_token").value_or(default_add_bos) || is_gemma4;
        add_eos = file.boolean("tokenizer.ggml.add_eos_token").value_or(wordpiece || unigram);
        space_prefix =
            file.boolean("tokenizer.ggml.add_space_prefix").value_or(!is_gemma4) && (sentencepiece || unigram);
    }

    // Tokens of a text between special ones; for SentencePiece with U+2581 as a space and the prefix in front, unless
    // it is in the middle of a text.
    void encode_plain(std::string_view text, bool in_text, Merger& merger, std::pmr::vector<Token>& ids) const {
        if (text.empty()) return;
        if (bpe) return bpe->encode(text, merger, ids);
        if (wordpiece) return wordpiece->encode(text, ids);
        if (unigram) return unigram->encode(text, space_prefix && !in_text, in_text, ids);
        if (!space_prefix || in_text) return sentencepiece->encode(text, merger, ids);
        std::pmr::string prefixed(ids.get_allocator().resource());
        prefixed.reserve(text.size() + 1);
        prefixed.push_back(' ');
        prefixed.append(text);
        sentencepiece->encode(prefixed, merger, ids);
    }

    Vocabulary vocabulary;
    SpecialTokens specials;
    std::optional<ByteBpe> bpe;  // one of the four, by the vocabulary's model
    std::optional<SentencePiece> sentencepiece;
    std::optional<WordPiece> wordpiece;
    std::optional<Unigram> unigram;
    bool add_bos = false, add_eos = false, space_prefix = false;
};

void Tokenizer::Deleter::operator()(Impl* impl) const noexcept {
    impl->~Impl();
    memory->deallocate(impl, sizeof(Impl), alignof(Impl));
}

Tokenizer::Tokenizer(const gguf::File& file, Memory& memory, const Log& log) : impl_(nullptr, Deleter{&memory}) {
    void* const place = memory.allocate(sizeof(Impl), alignof(Impl));
    try {
        impl_.reset(new (place) Impl(file, memory, log));
    } catch (...) {
        memory.deallocate(place, sizeof(Impl), alignof(Impl));
        throw;
    }
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;

std::uint32_t Tokenizer::n_vocab() const noexcept { return impl_->vocabulary.size(); }
Token Tokenizer::bos() const noexcept { return impl_->vocabulary.bos; }
Token Tokenizer::eos() const noexcept { return impl_->vocabulary.eos; }
Token Tokenizer::eot() const noexcept { return impl_->vocabulary.eot; }
bool Tokenizer::add_bos() const noexcept { return impl_->add_bos; }
bool Tokenizer::add_eos() const noexcept { return impl_->add_eos; }
bool Tokenizer::is_end(Token token) const noexcept { return impl_->vocabulary.is_end(token); }
bool Tokenizer::drops_leading_space() const noexcept { return impl_->space_prefix || impl_->wordpiece; }
std::uint32_t Tokenizer::max_piece_size() const noexcept { return impl_->vocabulary.max_piece_size(); }

TokenKind Tokenizer::kind(Token token) const noexcept {
    return impl_->vocabulary.has(token) ? impl_->vocabulary.kind(token) : TokenKind::unknown;
}

bool Tokenizer::is_special(Token token) const noexcept {
    const TokenKind token_kind = kind(token);
    return token_kind == TokenKind::control || token_kind == TokenKind::user_defined;
}

std::string_view Tokenizer::text(Token token) const noexcept {
    return impl_->vocabulary.has(token) ? impl_->vocabulary.text(token) : std::string_view();
}

void Tokenizer::encode(std::string_view text, TokenizeOptions options, std::pmr::vector<Token>& ids) const {
    const Impl& impl = *impl_;
    if (impl.vocabulary.model() == VocabularyModel::none)
        throw Error(Status::unsupported, "the model's file has no vocabulary");
    // Positions are 32 bits wide inside; 2^31 bytes leave room for the prefix and for what NFC adds (at most x3,
    // and only to text of which each byte costs several tokens' worth of memory long before).
    constexpr std::size_t kMaxSize = std::numeric_limits<std::int32_t>::max();
    if (text.size() > kMaxSize / 3) {
        throw Error(Status::invalid_argument, "a text of {} bytes is longer than {} bytes", text.size(), kMaxSize / 3);
    }
    std::pmr::memory_resource* const memory = ids.get_allocator().resource();
    std::pmr::string unescaped(memory);
    if (impl.sentencepiece && text.find("\xE2\x96\x81") != std::string_view::npos) {
        unescaped.reserve(text.size());
        append_unescaped(text, unescaped);
        text = unescaped;
    }
    if (options.add_special && impl.add_bos && bos() != kNoToken) ids.push_back(bos());
    Merger merger(memory);
    for (std::size_t begin = 0; begin < text.size();) {
        const SpecialTokens::Match special = impl.specials.find(text, begin, options.parse_special);
        impl.encode_plain(text.substr(begin, special.begin - begin), options.in_text && begin == 0, merger, ids);
        if (special.size != 0) ids.push_back(special.token);
        begin = special.begin + special.size;
    }
    if (options.add_special && impl.add_eos && eos() != kNoToken) ids.push_back(eos());
}

void Tokenizer::piece(Token token, bool special, std::pmr::string& bytes) const {
    const Vocabulary& vocabulary = impl_->vocabulary;
    if (!vocabulary.has(token)) return;
    if (!special && vocabulary.kind(token) == TokenKind::control) return;
    bytes.append(vocabulary.piece(token));
}

void Tokenizer::decode(std::span<const Token> ids, bool skip_special, std::pmr::string& text) const {
    const std::size_t begin = text.size();
    bool at_start = drops_leading_space();
    for (const Token token : ids) {
        piece(token, !skip_special, text);
        if (at_start && text.size() > begin) {
            if (text[begin] == ' ') text.erase(begin, 1);
            at_start = false;
        }
    }
}

}  // namespace linnet
