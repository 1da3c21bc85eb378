// SPDX-License-Identifier: MIT
// The matcher takes one step for each token of the text, so that positions of the sequence are steps.
#include "session/constraint.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/error.hpp"

namespace linnet {

using constrain::Matcher;
using constrain::TokenTrie;

Constraint::Constraint(std::shared_ptr<const constrain::Grammar> grammar, std::shared_ptr<const TokenTrie> trie,
                       std::uint32_t n_vocab, Memory& memory)
    : grammar_(std::move(grammar)),
      trie_(std::move(trie)),
      n_vocab_(n_vocab),
      matcher_(*grammar_, *trie_, memory),
      mask_(trie_->n_words(), &memory),
      logits_(n_vocab, &memory),
      text_(&memory),
      ids_(&memory),
      piece_(&memory) {}

void Constraint::begin(std::size_t n_tokens) noexcept {
    start_ = n_tokens;
    n_read_ = 0;
    has_mask_ = false;
    matcher_.reset();
}

void Constraint::truncate(std::size_t n_tokens) noexcept {
    if (n_tokens <= start_) {
        begin(n_tokens);
    } else if (n_tokens < start_ + n_read_) {
        n_read_ = n_tokens - start_;
        has_mask_ = false;
        if (matcher_.rollback(n_read_) != Status::ok) begin(start_);  // too far back: it is read again
    }
}

void Constraint::check(Status status) const {
    if (status != Status::ok) throw Error(status, "{}", matcher_.error_text());
}

void Constraint::follow(std::span<const Token> sequence) {
    for (; start_ + n_read_ < sequence.size(); ++n_read_) {
        const Token token = sequence[start_ + n_read_];
        const Status status = matcher_.accept(token);
        if (status == Status::invalid_argument) {
            throw Error(status, "token {} at position {} is not allowed by the grammar", token, start_ + n_read_);
        }
        check(status);
        has_mask_ = false;
    }
}

void Constraint::fill_mask() {
    if (has_mask_) return;
    check(matcher_.fill_mask(mask_));
    for (std::size_t i = n_vocab_ / 64; i < mask_.size(); ++i) {  // ids that the model does not have
        mask_[i] &= i > n_vocab_ / 64 ? 0 : (std::uint64_t{1} << (n_vocab_ % 64)) - 1;
    }
    has_mask_ = true;
}

bool Constraint::at_end() {
    if (matcher_.has_ended()) return true;
    if (!matcher_.is_complete()) return false;
    fill_mask();
    // Only ends may come: as many bits as there are ends, which are among them.
    const std::size_t n_ends = trie_->ends().size();
    std::size_t n = 0;
    for (std::size_t i = 0; i < mask_.size() && n <= n_ends; ++i)
        n += static_cast<std::size_t>(std::popcount(mask_[i]));
    return n <= n_ends;
}

std::span<const float> Constraint::masked(std::span<const float> logits) {
    fill_mask();
    constexpr float kNever = -std::numeric_limits<float>::infinity();
    std::uint64_t any = 0;
    for (std::size_t begin = 0; begin < n_vocab_; begin += 64) {
        const std::size_t n = std::min<std::size_t>(64, n_vocab_ - begin);
        const std::uint64_t word = begin / 64 < mask_.size() ? mask_[begin / 64] : 0;
        any |= word;
        float* const out = logits_.data() + begin;
        if (std::popcount(word) > 32) {
            std::copy_n(logits.data() + begin, n, out);
            const std::uint64_t none = ~word << (64 - n) >> (64 - n);
            for (std::uint64_t rest = none; rest != 0; rest &= rest - 1) out[std::countr_zero(rest)] = kNever;
        } else {
            std::fill_n(out, n, kNever);
            for (std::uint64_t rest = word; rest != 0; rest &= rest - 1) {
                const auto bit = static_cast<std::size_t>(std::countr_zero(rest));
                out[bit] = logits[begin + bit];
            }
        }
    }
    if (any == 0) throw Error(Status::unsupported, "the vocabulary has no token with which the grammar's text goes on");
    return logits_;
}

Token Constraint::allowed(Token chosen) const noexcept {
    const auto id = static_cast<std::size_t>(chosen);
    if (id / 64 < mask_.size() && (mask_[id / 64] >> (id % 64) & 1U) != 0) return chosen;
    const auto word = std::ranges::find_if(mask_, [](std::uint64_t bits) { return bits != 0; });
    return static_cast<Token>((word - mask_.begin()) * 64 + std::countr_zero(*word));
}

// ids_ become the tokens of `text`. False when they do not give its bytes back.
bool Constraint::encode(const Tokenizer& tokenizer, std::string_view text) {
    ids_.clear();
    tokenizer.encode(text, {.add_special = false, .parse_special = false, .in_text = true}, ids_);
    std::size_t n = 0;
    for (const Token id : ids_) {
        const std::string_view piece = trie_->piece(id);
        if (static_cast<std::uint32_t>(id) >= n_vocab_ || piece.empty() || !text.substr(n).starts_with(piece)) {
            return false;
        }
        n += piece.size();
    }
    return n == text.size();
}

// Whether some token begins with `suffix` and goes on with one of the bytes `next`.
bool Constraint::may_merge(std::string_view suffix, const constrain::ByteSet& next) const noexcept {
    const auto nodes = trie_->nodes();
    const std::uint32_t at = trie_->find(suffix);
    if (at == 0) return false;
    for (std::uint32_t child = at + 1; child < nodes[at].end; child = nodes[child].end) {
        if (next.has(nodes[child].byte)) return true;
    }
    return false;
}

Constraint::Jump Constraint::jump(std::span<const Token> sequence, const Tokenizer& tokenizer, std::size_t room) {
    const std::span<const Token> window = sequence.subspan(start_).last(std::min(n_read_, kWindow));
    text_.clear();
    check(matcher_.forced_text(text_));
    if (text_.empty()) return {};

    // Bytes that may follow what is forced.
    const std::size_t n_steps = matcher_.n_steps();
    check(matcher_.accept_text(text_));
    constrain::ByteSet next;
    check(matcher_.next_bytes(next));
    matcher_.rollback(n_steps);

    piece_.clear();
    for (const Token token : window) piece_ += trie_->piece(token);
    piece_ += text_;
    std::size_t n_kept = window.size();  // tokens of the window that stay, which ids_ begin with
    bool again = encode(tokenizer, piece_);
    if (again) {
        n_kept = static_cast<std::size_t>(std::ranges::mismatch(window, ids_).in1 - window.begin());
        again = window.size() - n_kept <= kMaxDropped;
    }
    if (!again) {  // as the text before has odd tokens, they stay
        if (!encode(tokenizer, text_)) return {};
        n_kept = 0;
    }
    Jump jump;
    if (again) {
        jump.n_dropped = static_cast<std::uint32_t>(window.size() - n_kept);
        for (const Token token : window.subspan(n_kept)) jump.n_shown += trie_->piece(token).size();
    }
    std::size_t n_bytes = text_.size() + jump.n_shown;
    std::size_t end = ids_.size();
    std::size_t suffix = 0;
    const std::string_view all = again ? std::string_view(piece_) : std::string_view(text_);
    for (std::size_t i = ids_.size(); i > n_kept && ids_.size() - i < kMaxTail; --i) {
        suffix += trie_->piece(ids_[i - 1]).size();
        if (!may_merge(all.substr(all.size() - suffix), next)) continue;
        end = i - 1;
        n_bytes = text_.size() + jump.n_shown - suffix;
    }
    if (end <= n_kept || n_bytes <= jump.n_shown) return {};
    if (end - n_kept > room + jump.n_dropped) return {};
    jump.tokens = std::span(ids_).subspan(n_kept, end - n_kept);
    return jump;
}

}  // namespace linnet
