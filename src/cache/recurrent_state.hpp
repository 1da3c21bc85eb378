// SPDX-License-Identifier: MIT
// What layers without keys remember of a sequence: the last inputs of convolutions, the memories of delta nets and
// state spaces. It exists as of a position and cannot go back from there, so three of them are held: the one that the
// pass under way writes, the one that it started from, and a checkpoint, taken where the latest pass of several tokens
// began. A pass that is not done leaves the others as they were.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "arch/arch_spec.hpp"
#include "base/memory.hpp"

namespace linnet {

class RecurrentState {
  public:
    // Exactly what the constructor takes from memory.
    static std::uint64_t bytes(const arch::ModelSpec& spec);

    RecurrentState(const arch::ModelSpec& spec, Memory& memory);

    // The last position, not after `pos`, at which a pass may begin.
    std::uint32_t restart(std::uint32_t pos) const noexcept;
    // A pass of n_tokens from `pos` on, which restart() has given.
    void begin(std::uint32_t pos, std::uint32_t n_tokens) noexcept;
    // It is done.
    void commit() noexcept;

    // Of one layer: as of the beginning of the pass (null: zeros), and where what is then goes. Both as
    // inputs[n_taps - 1][conv_width], then memory[n_value_heads][d_key][d_value].
    struct Layer {
        const float* from;
        float* to;
    };
    Layer layer(std::size_t index) const noexcept;

  private:
    static constexpr std::size_t kSlots = 3;
    static constexpr std::uint32_t kNone = ~0U;

    float* slot(std::size_t index) const noexcept;

    std::pmr::vector<std::uint64_t> offsets_;  // of layers in a slot, in floats; empty when no layer is recurrent
    std::uint64_t slot_size_ = 0;              // floats
    Buffer buffer_;
    std::array<std::uint32_t, kSlots> positions_;  // that slots are as of; kNone: of none
    std::size_t checkpoint_ = 0;
    std::size_t source_ = kSlots;  // kSlots: the beginning of the sequence
    std::size_t target_ = 0;
    std::uint32_t end_ = 0;  // of the pass
};

}  // namespace linnet
