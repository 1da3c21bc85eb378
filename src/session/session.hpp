// SPDX-License-Identifier: MIT
// The generation loop of one token sequence: appending, computing, choosing, streaming text, stopping.
// One thread at a time, but for cancel(). After construction only append_text allocates, and gives it back, and a
// grammar for situations that it meets for the first time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>

#include "base/memory.hpp"
#include "model/forward.hpp"
#include "model/model.hpp"
#include "sampling/sampler.hpp"
#include "session/constraint.hpp"
#include "session/stops.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

enum class EventKind : std::int32_t { progress = 1, token = 2, done = 3, budget = 4 };
enum class DoneReason : std::int32_t {
    none = 0,
    end_token = 1,
    context_full = 2,
    max_tokens = 3,
    grammar = 4,
    stop = 5
};

// As linnet_event in linnet.h.
struct Event {
    EventKind kind;
    Token token = kNoToken;
    DoneReason reason = DoneReason::none;
    std::string_view text = {};  // complete UTF-8, terminated when there is any; valid until the next call
    std::uint32_t n_past = 0;
    std::uint32_t n_pending = 0;
};

class Session {
  public:
    // shape: zeros mean defaults. Throws Error.
    Session(std::shared_ptr<const Model> model, const PassShape& shape);

    // Exactly what construction takes from the engine's memory. shape: zeros mean defaults. Throws Error.
    static Forward::Sizes plan(const arch::ModelSpec& spec, const PassShape& shape, std::uint32_t n_threads,
                               std::uint32_t max_piece_size);

    // Throw Error(context_full) with nothing appended, Error(invalid_argument) naming an id out of range. What is
    // generated afterwards is a text of its own for the grammar and the stops, also when nothing was appended.
    void append(std::span<const Token> tokens);
    // BOS only at the start of the sequence, EOS never; SentencePiece's space in front only there and after special
    // tokens, so that a text may come in parts. Takes temporary memory from the engine's.
    void append_text(std::string_view text, TokenizeOptions options);
    // What the model was trained to see when it is to write what comes between. BOS as above. Throws
    // Error(unsupported) when it has no tokens for that.
    void append_fill_in(std::string_view prefix, std::string_view suffix);
    // The tokens of text that would be appended, without BOS.
    void tokenize(std::string_view text, TokenizeOptions options, std::pmr::vector<Token>& ids) const;

    // null: greedy. Its history follows the sequence: what was appended counts like what was generated.
    void set_sampler(std::shared_ptr<Sampler> sampler);
    // null: none. What is generated from here on, and again after each append, is a text of the grammar.
    void set_grammar(std::shared_ptr<const constrain::Grammar> grammar,
                     std::shared_ptr<const constrain::TokenTrie> trie);

    // In place of those before; none of either: generations stop at end tokens only.
    void set_stops(std::span<const std::string_view> texts, std::span<const Token> tokens);

    // Throws Error(cancelled), Error(invalid_argument) when the sequence is empty.
    Event step(std::uint64_t budget_us);
    Event prefill(std::uint64_t budget_us);
    // Ends the text without a step (linnet_session_generate's limit): done, with what the stream still held.
    Event finish(DoneReason reason) noexcept;
    void cancel() noexcept { cancel_.store(true, std::memory_order_relaxed); }
    void truncate(std::size_t n_tokens);  // throws Error(invalid_argument) beyond the sequence

    std::span<const Token> tokens() const noexcept { return tokens_; }
    // After the last computed token. Throws Error(not_found) when there are none: nothing was computed, the token was
    // truncated away, or only a part of what was appended has been computed.
    std::span<const float> logits() const;
    // The one token behind those that the logits are of, when there is exactly one; else kNoToken.
    Token next_token() const noexcept { return n_past_ + 1 == tokens_.size() ? tokens_.back() : kNoToken; }
    // The log-probability of each continuation (ids in range) after the sequence, which is computed once and stays as
    // it is; empty ones have 0. Throws as prefill does, and Error(context_full) when the longest one does not fit.
    void score(std::span<const std::span<const Token>> continuations, std::span<double> logprobs);
    const Model& model() const noexcept { return *model_; }
    const PassShape& shape() const noexcept { return forward_.shape(); }

  private:
    enum class Computed : std::uint8_t { all, batch, budget };

    Computed compute(std::uint64_t budget_us);
    void begin_pass(bool budgeted) noexcept;
    Token choose();
    Event take(Token token, std::size_t n_shown = 0);
    void plan_forced();
    Event take_forced();
    void drop_from(std::size_t n_tokens) noexcept;
    void stream(Token token, bool at_start, std::size_t n_shown);
    bool nothing_but_control() const noexcept;
    Event end(DoneReason reason, Token token = kNoToken) noexcept;
    double score_one(std::span<const Token> continuation);
    Event event(EventKind kind, DoneReason reason = DoneReason::none, Token token = kNoToken) const noexcept;

    std::shared_ptr<const Model> model_;
    Forward forward_;
    Buffer buffer_;                                // of the containers below
    std::pmr::monotonic_buffer_resource storage_;  // in buffer_, so that its size does not depend on the library's
    std::pmr::vector<Token> tokens_;               // the sequence: capacity n_ctx, the first n_past_ are computed
    std::pmr::string piece_;                       // of one token
    std::pmr::string text_;                        // of the last event
    TextStream text_stream_;
    std::shared_ptr<Sampler> sampler_;
    std::shared_ptr<Stops> stops_;
    std::shared_ptr<Constraint> constraint_;
    std::span<const Token> forced_ = {};  // of the constraint: they come next, without being computed one by one
    std::size_t n_shown_ = 0;             // bytes of them that have been streamed
    std::uint32_t n_noted_ = 0;  // tokens that are in the sampler's history; 0: the history is not of this sequence
    std::uint32_t n_past_ = 0;
    std::uint32_t n_pass_ = 0;       // tokens of the pass that is under way, from n_past_ on; 0: none
    bool pass_has_logits_ = false;   // it computes logits
    bool has_logits_ = false;        // forward_.logits() are those after token n_past_ - 1
    std::uint32_t n_budgeted_ = 0;   // tokens of a pass that is to fit a budget
    Stop::Clock::duration spent_{};  // on the pass that is under way
    std::atomic<bool> cancel_{false};
};

}  // namespace linnet
