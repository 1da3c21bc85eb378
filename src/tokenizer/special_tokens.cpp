// SPDX-License-Identifier: MIT
// The trie is built breadth first from the sorted texts: a node is a range of texts with a common prefix.
#include "tokenizer/special_tokens.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace linnet {
namespace {

struct Entry {
    std::string_view text;
    Token token;
};

}  // namespace

SpecialTokens::SpecialTokens(const Vocabulary& vocabulary, Memory& memory)
    : nodes_(&memory), starts_(256, false, &memory) {
    // SentencePiece text is searched with U+2581 as a space, so the texts to find have to be like it.
    std::pmr::string unescaped(&memory);
    std::pmr::vector<Entry> entries(&memory);
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
        entries.push_back({text, token});
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.text != b.text ? a.text < b.text : a.token < b.token; });

    struct Range {
        std::size_t begin, end, depth;
    };
    std::pmr::vector<Range> ranges({{0, entries.size(), 0}}, &memory);  // of nodes_, by index
    nodes_.push_back({});
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        auto [begin, end, depth] = ranges[i];
        for (; begin < end && entries[begin].text.size() == depth; ++begin) {
            const Token token = entries[begin].token;
            const bool user_defined = vocabulary.kind(token) == TokenKind::user_defined;
            if (nodes_[i].control == kNoToken) nodes_[i].control = token;
            if (user_defined && nodes_[i].user_defined == kNoToken) nodes_[i].user_defined = token;
            if (user_defined) only_control_ = false;
        }
        nodes_[i].first_child = static_cast<std::uint32_t>(nodes_.size());
        while (begin < end) {
            const char byte = entries[begin].text[depth];
            std::size_t next = begin;
            while (next < end && entries[next].text[depth] == byte) ++next;
            Node node;
            node.byte = static_cast<std::uint8_t>(byte);
            nodes_.push_back(node);
            ranges.push_back({begin, next, depth + 1});
            ++nodes_[i].n_children;
            begin = next;
        }
    }
    for (std::uint32_t i = 0; i < nodes_[0].n_children; ++i) starts_[nodes_[nodes_[0].first_child + i].byte] = true;
    nodes_.shrink_to_fit();
}

const SpecialTokens::Node* SpecialTokens::child(const Node& node, std::uint8_t byte) const noexcept {
    const Node* const first = nodes_.data() + node.first_child;
    const Node* const last = first + node.n_children;
    const Node* const found =
        std::lower_bound(first, last, byte, [](const Node& a, std::uint8_t b) { return a.byte < b; });
    return found != last && found->byte == byte ? found : nullptr;
}

SpecialTokens::Match SpecialTokens::find(std::string_view text, std::size_t begin, bool control) const noexcept {
    if (!control && only_control_) return {text.size(), 0, kNoToken};
    for (; begin < text.size(); ++begin) {
        if (!starts_[static_cast<std::uint8_t>(text[begin])]) continue;
        Match match{begin, 0, kNoToken};
        const Node* node = nodes_.data();
        for (std::size_t i = begin; i < text.size(); ++i) {
            node = child(*node, static_cast<std::uint8_t>(text[i]));
            if (node == nullptr) break;
            const Token token = control ? node->control : node->user_defined;
            if (token != kNoToken) match = {begin, i + 1 - begin, token};
        }
        if (match.size != 0) return match;
    }
    return {text.size(), 0, kNoToken};
}

}  // namespace linnet
