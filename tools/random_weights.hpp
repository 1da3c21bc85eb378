// SPDX-License-Identifier: MIT
// Random tensor data in any format that Linnet computes with: what a matrix of a real model weighs, without its values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tools {

// xoshiro256** (https://prng.di.unimi.it), seeded by splitmix64.
class Random {
  public:
    explicit Random(std::uint64_t seed) noexcept;
    std::uint64_t next() noexcept;

  private:
    std::uint64_t state_[4];
};

// Fills whole blocks of the GGUF type `type` with weights of mean about 0 and standard deviation about `deviation`.
// Throws std::invalid_argument for a type it does not know.
void fill_random(std::string_view type, double deviation, Random& random, std::span<std::byte> blocks);

}  // namespace tools
