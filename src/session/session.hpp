// SPDX-License-Identifier: MIT
// The generation loop of one token sequence: appending, computing, choosing, streaming text, stopping.
// One thread at a time, but for cancel(). After construction nothing allocates.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>

#include "model/forward.hpp"
#include "model/model.hpp"
#include "sampling/sampler.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

enum class EventKind : std::int32_t { progress = 1, token = 2, done = 3, budget = 4 };
enum class DoneReason : std::int32_t { none = 0, end_token = 1, context_full = 2, max_tokens = 3 };

// As linnet_event in linnet.h.
struct Event {
    EventKind kind;
    Token token = kNoToken;
    DoneReason reason = DoneReason::none;
    std::string_view text;  // complete UTF-8, terminated unless empty; valid until the next call on the session
    std::uint32_t n_past = 0;
    std::uint32_t n_pending = 0;
};

class Session {
  public:
    // shape: zeros mean defaults. Throws Error.
    Session(std::shared_ptr<const Model> model, const PassShape& shape);

    // Exactly what construction takes from the engine's memory.
    static Forward::Sizes plan(const arch::ModelSpec& spec, const PassShape& shape, std::uint32_t n_threads,
                               std::uint32_t max_piece_size);

    // Throw Error(context_full) with nothing appended, Error(invalid_argument) naming an id out of range.
    void append(std::span<const Token> tokens);
    void append_text(std::string_view text, TokenizeOptions options);  // BOS only at the start of the sequence

    void set_sampler(std::shared_ptr<Sampler> sampler);  // null: greedy

    // Throws Error(cancelled), Error(invalid_argument) when the sequence is empty.
    Event step(std::uint64_t budget_us);
    Event prefill(std::uint64_t budget_us);
    // Ends the text without a step (linnet_session_generate's limit): done, with what the stream still held.
    Event finish(DoneReason reason) noexcept;
    void cancel() noexcept { cancel_.store(true, std::memory_order_relaxed); }
    void truncate(std::size_t n_tokens);  // throws Error(invalid_argument) beyond the sequence

    std::span<const Token> tokens() const noexcept;
    std::span<const float> logits() const;  // of the last pass; throws Error(not_found) when there are none
    const Model& model() const noexcept { return *model_; }
    const PassShape& shape() const noexcept { return forward_.shape(); }

  private:
    std::shared_ptr<const Model> model_;
    Forward forward_;
    std::atomic<bool> cancel_{false};
    // ...
};

}  // namespace linnet
