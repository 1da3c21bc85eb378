// SPDX-License-Identifier: MIT
#include "tokenizer/special_tokens.hpp"

#include <string>
#include <utility>

#include "base/error.hpp"

namespace linnet {

SpecialTokens::SpecialTokens(const Vocabulary& vocabulary, Memory& memory) : starts_(256, false, &memory) {
    // SentencePiece text is searched with U+2581 as a space, so the texts to find have to be like it.
    std::pmr::string unescaped(&memory);
    std::pmr::vector<PieceTrie::Entry> entries(&memory), user_defined(&memory);
    const bool unescape =
        vocabulary.model() == VocabularyModel::sentencepiece || vocabulary.model() == VocabularyModel::merged_pieces;
    // WordPiece's converters mark all tokens but bracketed ones as beginning a word.
    const bool is_wordpiece = vocabulary.model() == VocabularyModel::wordpiece;
    constexpr std::string_view kWordBegin = "\xE2\x96\x81";
    std::size_t total = 0;
    const auto is_special = [&](Token token) {
        const TokenKind kind = vocabulary.kind(token);
        const bool special =
            kind == TokenKind::control || kind == TokenKind::unknown || kind == TokenKind::user_defined;
        return special && !vocabulary.text(token).empty();
    };
    for (Token token = 0; vocabulary.has(token); ++token) {
        if (!is_special(token)) continue;
        const std::size_t size = vocabulary.text(token).size();
        if (size > kMaxTextSize) {
            throw Error(Status::bad_file, "tokenizer.ggml.tokens[{}]: {} bytes are too many for a special token", token,
                        size);
        }
        total += size;
    }
    if (unescape) unescaped.reserve(total);  // views into it stay valid
    for (Token token = 0; vocabulary.has(token); ++token) {
        if (!is_special(token)) continue;
        std::string_view text = vocabulary.text(token);
        if (unescape) {
            const std::size_t begin = unescaped.size();
            append_unescaped(text, unescaped);
            text = std::string_view(unescaped).substr(begin);
        }
        if (is_wordpiece && text.starts_with(kWordBegin)) text.remove_prefix(kWordBegin.size());
        if (text.empty()) continue;
        starts_[static_cast<unsigned char>(text[0])] = true;
        entries.push_back({text, token});
        if (vocabulary.kind(token) == TokenKind::user_defined) user_defined.push_back({text, token});
    }
    all_.emplace(std::move(entries), memory);
    user_defined_.emplace(std::move(user_defined), memory);
}

SpecialTokens::Match SpecialTokens::find(std::string_view text, std::size_t begin, bool control) const noexcept {
    const PieceTrie& trie = control ? *all_ : *user_defined_;
    if (trie.empty()) return {text.size(), 0, kNoToken};
    for (; begin < text.size(); ++begin) {
        if (!starts_[static_cast<unsigned char>(text[begin])]) continue;
        Match match{begin, 0, kNoToken};
        std::uint32_t node = PieceTrie::kRoot;
        for (std::size_t i = begin; i < text.size(); ++i) {
            node = trie.child(node, text[i]);
            if (node == PieceTrie::kRoot) break;
            if (trie.token(node) != kNoToken) match = {begin, i + 1 - begin, trie.token(node)};
        }
        if (match.size != 0) return match;
    }
    return {text.size(), 0, kNoToken};
}

}  // namespace linnet
