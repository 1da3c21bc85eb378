// SPDX-License-Identifier: MIT
// A set of byte values, the alphabet of everything in this folder: texts are matched byte by byte, characters are
// sequences of bytes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace linnet::constrain {

struct ByteSet {
    std::array<std::uint64_t, 4> words = {};

    static constexpr ByteSet range(unsigned low, unsigned high) noexcept {
        ByteSet set;
        for (unsigned byte = low; byte <= high; ++byte) set.add(byte);
        return set;
    }
    static constexpr ByteSet all() noexcept { return range(0, 255); }

    constexpr void add(unsigned byte) noexcept { words[byte >> 6U] |= std::uint64_t{1} << (byte & 63U); }
    constexpr bool has(unsigned byte) const noexcept { return (words[byte >> 6U] >> (byte & 63U) & 1U) != 0; }
    constexpr bool empty() const noexcept { return (words[0] | words[1] | words[2] | words[3]) == 0; }
    constexpr unsigned size() const noexcept {
        unsigned n = 0;
        for (const std::uint64_t word : words) n += static_cast<unsigned>(std::popcount(word));
        return n;
    }
    // The lowest member of a set that is not empty.
    constexpr unsigned first() const noexcept {
        unsigned i = 0;
        while (words[i] == 0) ++i;
        return i * 64 + static_cast<unsigned>(std::countr_zero(words[i]));
    }
    template <class Visit>
    constexpr void for_each(Visit visit) const {
        for (unsigned i = 0; i < 4; ++i) {
            for (std::uint64_t word = words[i]; word != 0; word &= word - 1) {
                visit(i * 64 + static_cast<unsigned>(std::countr_zero(word)));
            }
        }
    }

    constexpr ByteSet operator|(const ByteSet& other) const noexcept {
        ByteSet set;
        for (std::size_t i = 0; i < 4; ++i) set.words[i] = words[i] | other.words[i];
        return set;
    }
    constexpr ByteSet operator&(const ByteSet& other) const noexcept {
        ByteSet set;
        for (std::size_t i = 0; i < 4; ++i) set.words[i] = words[i] & other.words[i];
        return set;
    }
    constexpr ByteSet operator~() const noexcept {
        ByteSet set;
        for (std::size_t i = 0; i < 4; ++i) set.words[i] = ~words[i];
        return set;
    }
    constexpr bool operator==(const ByteSet&) const noexcept = default;
};

}  // namespace linnet::constrain
