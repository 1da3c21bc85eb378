// SPDX-License-Identifier: MIT
// How the time of passes splits into parts, as the calling thread sees it: between two laps all workers were busy with
// (or waiting for) the part that the second lap names. So parts add up to the time of Forward::run.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace linnet {

// In the order in which a layer has them.
enum class Part : std::uint8_t {
    embedding,         // rows of the tokens, and the angles of their positions
    norms,             // norms, quantising of a matmul's input, residual additions
    qkv,               // their matrix
    store,             // norms and rotation of heads, keys and values into the cache
    attention,         // over the cache
    attention_output,  // its matrix
    router,            // scores of experts, and who goes where
    gate_up,           // both matrices, activation and quantising of what it gives
    down,              // its matrix
    output,            // the matrix that gives logits
    choice,            // of a token, by whoever calls Forward
};
inline constexpr std::size_t kParts = 11;

class Profile {
  public:
    using Clock = std::chrono::steady_clock;

    // What passed since the last lap is nobody's.
    void start() noexcept { last_ = Clock::now(); }
    // What passed since the last lap went to `part`.
    void lap(Part part) noexcept {
        const Clock::time_point now = Clock::now();
        spent_[static_cast<std::size_t>(part)] += now - last_;
        last_ = now;
    }
    double seconds(Part part) const noexcept {
        return std::chrono::duration<double>(spent_[static_cast<std::size_t>(part)]).count();
    }

  private:
    Clock::time_point last_{};
    std::array<Clock::duration, kParts> spent_{};
};

}  // namespace linnet
