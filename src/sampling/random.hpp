// SPDX-License-Identifier: MIT
// PCG32 (M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
// Generation", 2014; variant XSH-RR 64/32): the same numbers for a seed on every platform, unlike std:: distributions.
#pragma once

#include <cstdint>

namespace linnet {

class Random {
  public:
    explicit Random(std::uint64_t seed, std::uint64_t stream = 54) noexcept : increment_((stream << 1) | 1) {
        next();
        state_ += seed;
        next();
    }

    std::uint32_t next() noexcept {
        const std::uint64_t old = state_;
        state_ = old * 6364136223846793005ULL + increment_;
        const auto shifted = static_cast<std::uint32_t>(((old >> 18) ^ old) >> 27);
        const auto rotation = static_cast<std::uint32_t>(old >> 59);
        return (shifted >> rotation) | (shifted << ((32 - rotation) & 31));
    }

    // In [0, 1), a multiple of 2^-53.
    double uniform() noexcept {
        const std::uint64_t high = next();
        return static_cast<double>((high << 32 | next()) >> 11) * 0x1p-53;
    }

  private:
    std::uint64_t state_ = 0;
    std::uint64_t increment_;
};

}  // namespace linnet
