// SPDX-License-Identifier: MIT
// Without a list of merges a pair may be joined when its text is a token, which is found by that text.
#include "tokenizer/sentencepiece.hpp"

#include <bit>

#include "tokenizer/utf8.hpp"

namespace linnet {
namespace {

constexpr std::uint32_t kTextKinds = TokenIndex::bit(TokenKind::normal) | TokenIndex::bit(TokenKind::user_defined);

// Ascending ranks for descending scores: a float's bits order like the float once negative ones are inverted.
// Below Merge::kNoRank for every score that is a number.
std::uint32_t rank_of(float score) {
    const auto bits = std::bit_cast<std::uint32_t>(score + 0.0f);  // -0 becomes 0
    const std::uint32_t ascending = bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
    return ~ascending;
}

std::size_t joint(char before, char after) {
    return std::size_t{static_cast<unsigned char>(before)} << 8 | static_cast<unsigned char>(after);
}

}  // namespace

SentencePiece::SentencePiece(const gguf::File& file, const Vocabulary& vocabulary, Memory& memory, const Log& log)
    : vocabulary_(&vocabulary), index_(vocabulary, kTextKinds, memory), ranks_(&memory) {
    if (vocabulary.model() == VocabularyModel::merged_pieces) {
        merges_.emplace(file, vocabulary, index_, memory, log);
    } else {
        read_ranks(file, memory);
    }
    byte_tokens_.fill(kNoToken);
    for (Token token = 0; vocabulary.has(token); ++token) {
        if (vocabulary.kind(token) != TokenKind::byte) continue;
        Token& slot = byte_tokens_[static_cast<unsigned char>(vocabulary.piece(token)[0])];
        if (slot == kNoToken) slot = token;
    }
    for (std::size_t i = 0; i < ascii_tokens_.size(); ++i) {
        const char c = static_cast<char>(i);
        ascii_tokens_[i] = index_.find({&c, 1});
    }
    find_joints();
}

void SentencePiece::read_ranks(const gguf::File& file, Memory& memory) {
    const auto scores = read_scores(file, *vocabulary_, memory);
    ranks_.resize(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) ranks_[i] = rank_of(scores[i]);
}

void SentencePiece::find_joints() {
    for (Token token = 0; vocabulary_->has(token); ++token) {
        if ((kTextKinds & TokenIndex::bit(vocabulary_->kind(token))) == 0) continue;
        const std::string_view piece = vocabulary_->piece(token);
        const char* const end = piece.data() + piece.size();
        for (const char* p = piece.data(); p != end;) {
            p += utf8::read(p, end).size;
            if (p != end) joints_.set(joint(p[-1], p[0]));
        }
    }
}

void SentencePiece::encode(std::string_view text, Merger& merger, std::pmr::vector<Token>& ids) const {
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p != end;) {
        const char* const begin = p;
        do {
            p += utf8::read(p, end).size;
        } while (p != end && joints_[joint(p[-1], p[0])]);
        encode_word({begin, static_cast<std::size_t>(p - begin)}, merger, ids);
    }
}

void SentencePiece::encode_word(std::string_view word, Merger& merger, std::pmr::vector<Token>& ids) const {
    merger.symbols.clear();
    merger.symbols.reserve(word.size() + 1);
    const char* const end = word.data() + word.size();
    for (const char* p = word.data(); p != end;) {
        const utf8::Char c = utf8::read(p, end);
        const Token token = c.code < 0x80 ? ascii_tokens_[c.code] : index_.find({p, c.size});
        merger.symbols.push_back({static_cast<std::uint32_t>(p - word.data()), token, {}});
        p += c.size;
    }
    merger.symbols.push_back({static_cast<std::uint32_t>(word.size()), kNoToken, {}});
    merger.run([this, word](const Symbol& left, const Symbol& right, std::uint32_t right_end) -> Merge {
        if (merges_) return merges_->find(left.token, right.token);
        if (left.token == kNoToken || right.token == kNoToken) return {};
        const Token token = index_.find(word.substr(left.begin, right_end - left.begin));
        if (token == kNoToken) return {};
        return {ranks_[static_cast<std::size_t>(token)], token};
    });
    for (std::size_t i = 0; i + 1 < merger.symbols.size(); ++i) {
        const Symbol& symbol = merger.symbols[i];
        if (symbol.token != kNoToken) {
            ids.push_back(symbol.token);
        } else {
            append_bytes(word.substr(symbol.begin, merger.symbols[i + 1].begin - symbol.begin), ids);
        }
    }
}

void SentencePiece::append_bytes(std::string_view bytes, std::pmr::vector<Token>& ids) const {
    bool complete = true;
    for (const char byte : bytes) complete = complete && byte_tokens_[static_cast<unsigned char>(byte)] != kNoToken;
    if (complete) {
        for (const char byte : bytes) ids.push_back(byte_tokens_[static_cast<unsigned char>(byte)]);
    } else if (vocabulary_->unknown != kNoToken && (ids.empty() || ids.back() != vocabulary_->unknown)) {
        ids.push_back(vocabulary_->unknown);  // once for a run of unknown characters
    }
}

}  // namespace linnet
