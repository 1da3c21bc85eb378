// SPDX-License-Identifier: MIT
// A token completes a text when it begins with what is missing of it; in the trie those are one subtree.
#include "sampling/banned.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet {

namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

void set(std::span<float> scores, Token token) noexcept {
    if (static_cast<std::size_t>(token) < scores.size()) scores[static_cast<std::size_t>(token)] = kNever;
}

}  // namespace

BannedTexts::BannedTexts(std::span<const std::string_view> texts, std::shared_ptr<const constrain::TokenTrie> trie,
                         Memory& memory)
    : trie_(std::move(trie)), texts_(&memory), always_(&memory), tail_(&memory) {
    std::size_t n_bytes = 0, longest = 1;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        n_bytes += texts[i].size();
        longest = std::max(longest, texts[i].size());
        if (texts[i].empty()) throw Error(Status::invalid_argument, "banned[{}] is empty", i);
        if (!utf8::is_valid(texts[i])) throw Error(Status::invalid_argument, "banned[{}] is no UTF-8", i);
        if (n_bytes > kMaxBytes) {
            throw Error(Status::invalid_argument, "banned: more than {} bytes in all", kMaxBytes);
        }
        texts_.emplace_back(texts[i]);
    }
    tail_.resize(longest - 1);
    if (texts.empty()) return;
    for (Token token = 0; token < static_cast<Token>(trie_->n_vocab()); ++token) {
        const std::string_view piece = trie_->piece(token);
        const auto holds = [&](const auto& text) { return piece.find(text) != std::string_view::npos; };
        if (std::ranges::any_of(texts_, holds)) always_.push_back(token);
    }
}

void BannedTexts::accept(Token token) noexcept {
    const std::string_view piece = trie_->piece(token);
    if (piece.empty()) return reset();
    const std::string_view end = piece.substr(piece.size() - std::min(piece.size(), tail_.size()));
    const std::size_t n_kept = std::min(n_tail_, tail_.size() - end.size());
    std::memmove(tail_.data(), tail_.data() + (n_tail_ - n_kept), n_kept);
    end.copy(tail_.data() + n_kept, end.size());
    n_tail_ = n_kept + end.size();
}

void BannedTexts::ban(std::span<float> scores) const noexcept {
    for (const Token token : always_) set(scores, token);
    const std::string_view tail(tail_.data(), n_tail_);
    for (const std::string_view text : texts_) {
        for (std::size_t n = std::min(text.size() - 1, tail.size()); n > 0; --n) {
            if (tail.ends_with(text.substr(0, n))) ban_tokens_with(text.substr(n), scores);
        }
    }
}

void BannedTexts::ban_tokens_with(std::string_view prefix, std::span<float> scores) const noexcept {
    const std::uint32_t node = trie_->find(prefix);
    if (node == 0) return;
    for (const Token token : trie_->tokens_below(node)) set(scores, token);
}

}  // namespace linnet
