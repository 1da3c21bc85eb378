// SPDX-License-Identifier: MIT
// The transformer: tokens in, logits out. The only place that orders arithmetic between kernels, so that results do
// not depend on threads, chunking, or how often a pass was interrupted.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>

#include "cache/kv_cache.hpp"
#include "cache/recurrent_state.hpp"
#include "model/model.hpp"
#include "model/scratch.hpp"

namespace linnet {

class Profile;
struct Matrix;
struct Pass;

// Sees what matrices are multiplied with: values [first, first + n) of a token's row. Of one matrix, calls for the same
// values come one after the other, token by token; those for others may come from other threads at the same time.
// An expert's matrices see the tokens that chose it.
struct InputObserver {
    void* user;
    void (*see)(void* user, const Matrix& w, std::size_t first, std::size_t n, const float* x);
};

// When a pass has to give way.
struct Stop {
    using Clock = std::chrono::steady_clock;
    const std::atomic<bool>* cancel = nullptr;              // polled at least every few milliseconds; null: never
    Clock::time_point deadline = Clock::time_point::max();  // looked at between half layers and slices of the output
};

// One sequence's KV cache and working memory. All allocation happens in the constructor.
class Forward {
  public:
    enum class Outcome : std::uint8_t { done, paused, cancelled };

    // Zeros become defaults (n_ctx: min(n_ctx_train, 4096), n_batch: 512). Throws Error(invalid_argument) naming the
    // field that is out of range.
    static PassShape resolve(const arch::ModelSpec& spec, PassShape shape);
    struct Sizes {
        std::uint64_t kv_bytes;  // what is remembered of a sequence: keys and values, and states of recurrent layers
        std::uint64_t scratch_bytes;
    };
    // Exactly what the constructor takes from the engine's memory.
    static Sizes plan(const arch::ModelSpec& spec, const PassShape& shape, std::uint32_t n_threads);

    // `model` must outlive the object. Throws Error(unsupported) for logits of a bidirectional model.
    Forward(const Model& model, const PassShape& shape);

    // Starts a pass over `tokens` (1 .. n_batch, copied; ids below n_vocab) at positions pos, pos + 1 ...; positions
    // before pos must have been computed by done passes, and restart(pos) be pos. Logits, or states, are computed for
    // the last n_logits tokens (0: none). An earlier pass that is not done is dropped.
    void begin(std::span<const Token> tokens, std::uint32_t pos, std::uint32_t n_logits) noexcept;
    bool active() const noexcept { return step_ != kIdle; }

    // Goes on with the pass. paused: the deadline passed, call again to go on (at least one slice of work was done).
    // cancelled: the pass is dropped; positions before it stay computed.
    // profile: gets the time of each part added; null: none is taken.
    // observer: null, or sees the inputs of matrices.
    Outcome run(const Stop& stop, Profile* profile = nullptr, const InputObserver* observer = nullptr) noexcept;

    // [n_logits, n_vocab] of the last done pass that asked for logits.
    std::span<const float> logits() const noexcept;

    // [n_logits, d_model] of the last done pass of a shape that asks for states. Valid until the next pass or
    // project().
    std::span<const float> states() const noexcept;

    // The vector of a text [n_vector] from its pooled state [d_model]: what the file has behind the pooling, the dense
    // layers or, for ranks, the classifier; else the state as it is. Not during a pass.
    void project(arch::Pooling pooling, std::span<const float> pooled, std::span<float> y) noexcept;

    // Where computing has to start so that a pass may begin at `pos`, a position not beyond those computed: pos itself
    // while every sliding window that ends before it is still held and recurrent layers have a state as of it; else
    // an earlier position for which that is so, in the end 0.
    std::uint32_t restart(std::uint32_t pos) const noexcept;

    const PassShape& shape() const noexcept { return shape_; }

  private:
    static constexpr std::uint32_t kIdle = ~0U;

    Pass make_pass(const Stop& stop, Profile* profile, const InputObserver* observer) noexcept;

    const Model& model_;
    PassShape shape_;
    KvCache cache_;
    RecurrentState state_;
    Buffer buffer_;
    Scratch scratch_{};  // parts of buffer_
    std::uint32_t n_tokens_ = 0;
    std::uint32_t pos_ = 0;
    std::uint32_t n_logits_ = 0;
    std::uint32_t written_ = 0;   // positions up to here (exclusive) have been stored since the last pass at 0
    std::uint32_t step_ = kIdle;  // next slice of the pass: two per layer, then slices of the output matrix
};

}  // namespace linnet
