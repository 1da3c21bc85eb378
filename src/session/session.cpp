// SPDX-License-Identifier: MIT
// State is three numbers over one token list: computed (n_past_), under way (n_pass_), pending (the rest). Whatever
// interrupts a pass, a later one starts at n_past_ again.
#include "session/session.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace linnet {

namespace {

// A pass of fewer tokens is hardly faster: reading the weights is what takes the time.
constexpr std::uint32_t kLeastBudgeted = 8;

// The longest text of an event: each byte of a piece, and what waited before it, may become U+FFFD (3 bytes); then the
// end of the stream adds one more.
constexpr std::size_t text_capacity(std::size_t max_piece_size) { return 3 * (max_piece_size + 4); }

// Terminators and what standard libraries round a string's capacity up by.
constexpr std::size_t kStringSlack = 64;

std::uint64_t buffer_bytes(std::uint32_t n_ctx, std::uint32_t max_piece_size) noexcept {
    return std::uint64_t{n_ctx} * sizeof(Token) + max_piece_size + text_capacity(max_piece_size) + 2 * kStringSlack;
}

Stop::Clock::time_point deadline_of(std::uint64_t budget_us) noexcept {
    constexpr std::uint64_t kLongest = 1'000'000'000'000;  // 11 days: more might leave the clock's range
    if (budget_us == 0 || budget_us > kLongest) return Stop::Clock::time_point::max();
    return Stop::Clock::now() + std::chrono::microseconds(budget_us);
}

}  // namespace

Session::Session(std::shared_ptr<const Model> model, const PassShape& shape)
    : model_(std::move(model)),
      forward_(*model_, shape),
      buffer_(model_->engine().memory, buffer_bytes(forward_.shape().n_ctx, model_->tokenizer().max_piece_size())),
      storage_(buffer_.data(), buffer_.size(), std::pmr::null_memory_resource()),
      tokens_(&storage_),
      piece_(&storage_),
      text_(&storage_),
      n_budgeted_(std::min(kLeastBudgeted, forward_.shape().n_batch)) {
    const std::uint32_t max_piece_size = model_->tokenizer().max_piece_size();
    tokens_.reserve(forward_.shape().n_ctx);
    piece_.reserve(max_piece_size);
    text_.reserve(text_capacity(max_piece_size));
}

Forward::Sizes Session::plan(const arch::ModelSpec& spec, const PassShape& shape, std::uint32_t n_threads,
                             std::uint32_t max_piece_size) {
    const PassShape resolved = Forward::resolve(spec, shape);
    Forward::Sizes sizes = Forward::plan(spec, resolved, n_threads);
    sizes.scratch_bytes += buffer_bytes(resolved.n_ctx, max_piece_size);
    return sizes;
}

void Session::append(std::span<const Token> tokens) {
    const std::uint32_t n_vocab = model_->spec().n_vocab;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i] < 0 || static_cast<std::uint32_t>(tokens[i]) >= n_vocab) {
            throw Error(Status::invalid_argument, "tokens[{}] is {}, not in 0..{}", i, tokens[i], n_vocab - 1);
        }
    }
    const std::size_t room = shape().n_ctx - tokens_.size();
    if (tokens.size() > room) {
        throw Error(Status::context_full, "{} tokens do not fit behind {} in n_ctx = {}", tokens.size(), tokens_.size(),
                    shape().n_ctx);
    }
    if (tokens.empty()) return;
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    text_stream_.reset();  // what is generated next does not go on where the stream stopped
}

void Session::append_text(std::string_view text, TokenizeOptions options) {
    const Tokenizer& tokenizer = model_->tokenizer();
    std::pmr::vector<Token> ids(&model_->engine().memory);
    if (options.add_special && tokens_.empty() && tokenizer.add_bos() && tokenizer.bos() != kNoToken) {
        ids.push_back(tokenizer.bos());
    }
    options.add_special = false;
    options.in_text = !tokens_.empty() && !tokenizer.is_special(tokens_.back());
    tokenizer.encode(text, options, ids);
    append(ids);
}

void Session::set_sampler(std::shared_ptr<Sampler> sampler) {
    if (sampler != nullptr && sampler->n_vocab() != model_->spec().n_vocab) {
        throw Error(Status::invalid_argument, "sampler is for {} tokens, the model has {}", sampler->n_vocab(),
                    model_->spec().n_vocab);
    }
    sampler_ = std::move(sampler);
    n_noted_ = 0;
}

Event Session::step(std::uint64_t budget_us) {
    const FloatEnvironment environment;
    text_.clear();
    const bool full = tokens_.size() == shape().n_ctx;
    if (full && !cancel_.load(std::memory_order_relaxed)) return finish(DoneReason::context_full);
    switch (compute(budget_us)) {
        case Computed::batch: return event(EventKind::progress);
        case Computed::budget: return event(EventKind::budget);
        case Computed::all: break;
    }
    const Token token = choose();
    const bool at_start = nothing_but_control();
    tokens_.push_back(token);
    if (model_->tokenizer().is_end(token)) {
        text_stream_.finish(text_);
        return event(EventKind::done, DoneReason::end_token, token);
    }
    stream(token, at_start);
    return event(EventKind::token, DoneReason::none, token);
}

Event Session::prefill(std::uint64_t budget_us) {
    const FloatEnvironment environment;
    text_.clear();
    return event(compute(budget_us) == Computed::budget ? EventKind::budget : EventKind::progress);
}

Event Session::finish(DoneReason reason) noexcept {
    text_.clear();
    text_stream_.finish(text_);
    return event(EventKind::done, reason);
}

void Session::truncate(std::size_t n_tokens) {
    if (n_tokens > tokens_.size()) {
        throw Error(Status::invalid_argument, "n_tokens is {}, the sequence has {}", n_tokens, tokens_.size());
    }
    if (n_tokens == tokens_.size()) return;
    const auto n = static_cast<std::uint32_t>(n_tokens);
    if (n < n_past_ + n_pass_) n_pass_ = 0;
    if (n < n_past_) has_logits_ = false;
    n_past_ = std::min(n_past_, n);
    tokens_.resize(n_tokens);
    n_noted_ = 0;
    text_stream_.reset();
}

std::span<const float> Session::logits() const {
    if (!has_logits_) throw Error(Status::not_found, "there are no logits: nothing has been computed up to its end");
    return forward_.logits();
}

// Computes what is pending, until its end and logits, the end of a whole batch (without a budget) or of the budget.
Session::Computed Session::compute(std::uint64_t budget_us) {
    if (cancel_.exchange(false, std::memory_order_relaxed)) throw Error(Status::cancelled, "cancelled");
    if (tokens_.empty()) throw Error(Status::invalid_argument, "the sequence is empty: nothing to go on from");
    const Stop stop = {.cancel = &cancel_, .deadline = deadline_of(budget_us)};
    const bool budgeted = stop.deadline != Stop::Clock::time_point::max();
    while (n_past_ < tokens_.size() || !has_logits_) {
        if (n_pass_ == 0) begin_pass(budgeted);
        const Stop::Clock::time_point start = Stop::Clock::now();
        const Forward::Outcome outcome = forward_.run(stop);
        const Stop::Clock::time_point end = Stop::Clock::now();
        spent_ += end - start;
        if (outcome == Forward::Outcome::paused) return Computed::budget;
        const std::uint32_t n = std::exchange(n_pass_, 0);
        if (outcome == Forward::Outcome::cancelled) {
            cancel_.store(false, std::memory_order_relaxed);
            throw Error(Status::cancelled, "cancelled");
        }
        n_past_ += n;
        has_logits_ = pass_has_logits_;
        if (n_past_ == tokens_.size() && has_logits_) break;
        if (!budgeted) return Computed::batch;
        // Passes grow while two of them fit the budget, and shrink when one does not.
        const auto budget = std::chrono::microseconds(budget_us);
        if (n == n_budgeted_ && 2 * spent_ <= budget) n_budgeted_ = std::min(2 * n_budgeted_, shape().n_batch);
        if (spent_ > budget) n_budgeted_ = std::max(n_budgeted_ / 2, std::min(kLeastBudgeted, shape().n_batch));
        if (end >= stop.deadline) return Computed::budget;
    }
    return Computed::all;
}

void Session::begin_pass(bool budgeted) noexcept {
    const auto n_tokens = static_cast<std::uint32_t>(tokens_.size());
    n_past_ = std::min(n_past_, n_tokens - 1);  // its logits went with what was truncated: once more
    n_past_ = forward_.restart(n_past_);
    n_pass_ = std::min(n_tokens - n_past_, budgeted ? n_budgeted_ : shape().n_batch);
    pass_has_logits_ = n_past_ + n_pass_ == n_tokens;
    has_logits_ = false;
    spent_ = {};
    forward_.begin({tokens_.data() + n_past_, n_pass_}, n_past_, pass_has_logits_ ? 1 : 0);
}

Token Session::choose() noexcept {
    if (sampler_ == nullptr) return arg_max(forward_.logits());
    if (n_noted_ == 0) {
        sampler_->set_history(tokens_);
    } else {
        for (std::size_t i = n_noted_; i < tokens_.size(); ++i) sampler_->accept(tokens_[i]);
    }
    n_noted_ = static_cast<std::uint32_t>(tokens_.size());
    return sampler_->sample(forward_.logits());
}

// Adds what becomes complete with `token` to the event's text. at_start: no text precedes it in the sequence.
void Session::stream(Token token, bool at_start) {
    const Tokenizer& tokenizer = model_->tokenizer();
    piece_.clear();
    tokenizer.piece(token, false, piece_);
    const bool drop = at_start && tokenizer.drops_leading_space() && piece_.starts_with(' ');
    text_stream_.push(std::string_view(piece_).substr(drop ? 1 : 0), text_);
}

bool Session::nothing_but_control() const noexcept {
    return std::all_of(tokens_.begin(), tokens_.end(),
                       [&](Token token) { return model_->tokenizer().kind(token) == TokenKind::control; });
}

Event Session::event(EventKind kind, DoneReason reason, Token token) const noexcept {
    return {.kind = kind,
            .token = token,
            .reason = reason,
            .text = text_,
            .n_past = n_past_,
            .n_pending = static_cast<std::uint32_t>(tokens_.size()) - n_past_};
}

}  // namespace linnet
