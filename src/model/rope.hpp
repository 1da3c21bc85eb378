// SPDX-License-Identifier: MIT
// Rotary position embedding: frequencies and the cosines and sines of positions, computed in double, rounded once.
#pragma once

#include <cstdint>
#include <span>

#include "arch/arch_spec.hpp"

namespace linnet {

// Inverse frequencies [n_rot / 2] of a spec. factors: [n_rot / 2] divisors (rope_freqs, longrope) or null.
void inverse_frequencies(const arch::RopeSpec& rope, const float* factors, std::span<double> frequencies) noexcept;

// cosines and sines [n_rot / 2] of one position, times the spec's magnitude.
void rope_row(const arch::RopeSpec& rope, std::span<const double> frequencies, std::uint32_t pos, float* cosines,
              float* sines) noexcept;

}  // namespace linnet
