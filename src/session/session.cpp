// SPDX-License-Identifier: MIT
// State is three numbers over one token list: computed (n_past_), under way (n_pass_), pending (the rest). Whatever
// interrupts a pass, a later one starts at n_past_ again.
#include "session/session.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "sampling/logprobs.hpp"
#include "session/fill_in.hpp"

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
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    forced_ = {};
    if (constraint_ != nullptr) constraint_->begin(tokens_.size());
    if (stops_ != nullptr) stops_->restart();
    text_stream_.reset();  // what is generated next does not go on where the stream stopped
}

void Session::append_text(std::string_view text, TokenizeOptions options) {
    const Tokenizer& tokenizer = model_->tokenizer();
    std::pmr::vector<Token> ids(&model_->engine().memory);
    if (options.add_special && tokens_.empty() && tokenizer.add_bos() && tokenizer.bos() != kNoToken) {
        ids.push_back(tokenizer.bos());
    }
    tokenize(text, options, ids);
    append(ids);
}

void Session::tokenize(std::string_view text, TokenizeOptions options, std::pmr::vector<Token>& ids) const {
    const Tokenizer& tokenizer = model_->tokenizer();
    options.add_special = false;
    options.in_text = !tokens_.empty() && !tokenizer.is_special(tokens_.back());
    tokenizer.encode(text, options, ids);
}

void Session::append_fill_in(std::string_view prefix, std::string_view suffix) {
    const Tokenizer& tokenizer = model_->tokenizer();
    Memory& memory = model_->engine().memory;
    const FillIn around = find_fill_in(model_->file(), tokenizer, memory);
    std::pmr::vector<Token> ids(&memory);
    if (tokens_.empty() && tokenizer.add_bos() && tokenizer.bos() != kNoToken) ids.push_back(tokenizer.bos());
    constexpr TokenizeOptions kPlain = {.add_special = false, .parse_special = false};
    ids.push_back(around.prefix);
    tokenizer.encode(prefix, kPlain, ids);
    ids.push_back(around.suffix);
    tokenizer.encode(suffix, kPlain, ids);
    ids.push_back(around.middle);
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

void Session::set_grammar(std::shared_ptr<const constrain::Grammar> grammar,
                          std::shared_ptr<const constrain::TokenTrie> trie) {
    std::shared_ptr<Constraint> made;
    if (grammar != nullptr) {
        Memory& memory = model_->engine().memory;
        made = std::allocate_shared<Constraint>(std::pmr::polymorphic_allocator<Constraint>(&memory),
                                                std::move(grammar), std::move(trie), model_->spec().n_vocab, memory);
        made->begin(tokens_.size());
    }
    constraint_ = std::move(made);
    forced_ = {};
}

void Session::set_stops(std::span<const std::string_view> texts, std::span<const Token> tokens) {
    std::shared_ptr<Stops> made;
    if (!texts.empty() || !tokens.empty()) {
        Memory& memory = model_->engine().memory;
        const std::size_t capacity = text_capacity(model_->tokenizer().max_piece_size());
        made = std::allocate_shared<Stops>(std::pmr::polymorphic_allocator<Stops>(&memory), texts, tokens, capacity,
                                           memory);
    }
    stops_ = std::move(made);
}

Event Session::step(std::uint64_t budget_us) {
    const FloatEnvironment environment;
    text_.clear();
    const bool cancelled = cancel_.load(std::memory_order_relaxed);
    if (constraint_ != nullptr && !tokens_.empty() && !cancelled) {
        constraint_->follow(tokens_);
        if (constraint_->at_end()) return finish(DoneReason::grammar);
    }
    if (tokens_.size() == shape().n_ctx && !cancelled) return finish(DoneReason::context_full);
    if (constraint_ != nullptr && !tokens_.empty() && !cancelled) {
        if (forced_.empty()) plan_forced();
        if (!forced_.empty()) return take_forced();
    }
    switch (compute(budget_us)) {
        case Computed::batch: return event(EventKind::progress);
        case Computed::budget: return event(EventKind::budget);
        case Computed::all: break;
    }
    return take(choose());
}

// Appends a token of the text, whose first n_shown bytes have been streamed already.
Event Session::take(Token token, std::size_t n_shown) {
    const bool at_start = constraint_ == nullptr && nothing_but_control();
    tokens_.push_back(token);
    if (model_->tokenizer().is_end(token)) return end(DoneReason::end_token, token);
    if (stops_ != nullptr && stops_->has(token)) return end(DoneReason::stop, token);
    stream(token, at_start, n_shown);
    if (stops_ == nullptr) return event(EventKind::token, DoneReason::none, token);
    const Stops::Shown shown = stops_->push(text_);
    if (shown.stopped) text_stream_.reset();
    Event result = shown.stopped ? event(EventKind::done, DoneReason::stop, token)
                                 : event(EventKind::token, DoneReason::none, token);
    result.text = shown.text;
    return result;
}

// The end of the text, with what the stream still held.
Event Session::end(DoneReason reason, Token token) noexcept {
    text_stream_.finish(text_);
    Event result = event(EventKind::done, reason, token);
    if (stops_ != nullptr) result.text = stops_->finish(text_);
    return result;
}

void Session::plan_forced() {
    const Constraint::Jump jump = constraint_->jump(tokens_, model_->tokenizer(), shape().n_ctx - tokens_.size());
    if (jump.tokens.empty()) return;
    forced_ = jump.tokens;
    n_shown_ = jump.n_shown;
    drop_from(tokens_.size() - jump.n_dropped);
    constraint_->truncate(tokens_.size());
}

// One token, or as many as it takes for all text that was shown to be in the sequence again.
Event Session::take_forced() {
    Event result{.kind = EventKind::token};
    do {
        const Token token = forced_.front();
        forced_ = forced_.subspan(1);
        piece_.clear();
        model_->tokenizer().piece(token, false, piece_);
        const std::size_t n_shown = std::min(n_shown_, piece_.size());
        n_shown_ -= n_shown;
        result = take(token, n_shown);
    } while (n_shown_ > 0);
    return result;
}

Event Session::prefill(std::uint64_t budget_us) {
    const FloatEnvironment environment;
    text_.clear();
    return event(compute(budget_us) == Computed::budget ? EventKind::budget : EventKind::progress);
}

Event Session::finish(DoneReason reason) noexcept {
    text_.clear();
    return end(reason);
}

void Session::truncate(std::size_t n_tokens) {
    if (n_tokens > tokens_.size()) {
        throw Error(Status::invalid_argument, "n_tokens is {}, the sequence has {}", n_tokens, tokens_.size());
    }
    if (n_tokens == tokens_.size()) return;
    drop_from(n_tokens);
    forced_ = {};
    if (constraint_ != nullptr) constraint_->truncate(n_tokens);
    if (stops_ != nullptr) stops_->reset();
    text_stream_.reset();
}

void Session::drop_from(std::size_t n_tokens) noexcept {
    const auto n = static_cast<std::uint32_t>(n_tokens);
    if (n < n_past_ + n_pass_) n_pass_ = 0;
    if (n < n_past_) has_logits_ = false;
    n_past_ = std::min(n_past_, n);
    tokens_.resize(n_tokens);
    n_noted_ = 0;
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

Token Session::choose() {
    const std::span<const float> logits =
        constraint_ == nullptr ? forward_.logits() : constraint_->masked(forward_.logits());
    Token token = kNoToken;
    if (sampler_ == nullptr) {
        token = arg_max(logits);
    } else {
        if (n_noted_ == 0) {
            sampler_->set_history(tokens_);
        } else {
            for (std::size_t i = n_noted_; i < tokens_.size(); ++i) sampler_->accept(tokens_[i]);
        }
        n_noted_ = static_cast<std::uint32_t>(tokens_.size());
        token = sampler_->sample(logits);
    }
    return constraint_ == nullptr ? token : constraint_->allowed(token);
}

// Adds what becomes complete with `token` to the event's text, but for the piece's first n_shown bytes. at_start: no
// text precedes it in the sequence.
void Session::stream(Token token, bool at_start, std::size_t n_shown) {
    const Tokenizer& tokenizer = model_->tokenizer();
    piece_.clear();
    tokenizer.piece(token, false, piece_);
    const bool drop = at_start && tokenizer.drops_leading_space() && piece_.starts_with(' ');
    text_stream_.push(std::string_view(piece_).substr(drop ? 1 : n_shown), text_);
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
