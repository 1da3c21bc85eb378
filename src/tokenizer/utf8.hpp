// SPDX-License-Identifier: MIT
// UTF-8, one character at a time. Bytes that are no UTF-8 are cut into maximal subparts (Unicode 15, section 3.9,
// "U+FFFD Substitution of Maximal Subparts"), so that every reader in the library sees the same pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace linnet::utf8 {

inline constexpr char32_t kReplacement = 0xFFFD;
inline constexpr std::string_view kReplacementText = "\xEF\xBF\xBD";

enum class Status : std::uint8_t {
    valid,
    invalid,    // can become no character whatever follows
    truncated,  // a proper prefix of a character at the end of the bytes
};

struct Char {
    char32_t code;      // U+FFFD unless valid
    std::uint8_t size;  // bytes of the character, or of the maximal subpart: 1..4, 1..3 unless valid
    Status status;
};

// The character at `p` < `end`.
inline Char read(const char* p, const char* end) noexcept {
    const auto byte = [p](std::size_t i) { return static_cast<std::uint8_t>(p[i]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80) return {first, 1, Status::valid};
    // The first continuation byte of some leads has a narrower range: no overlong forms, surrogates, or > U+10FFFF.
    std::uint8_t size = 0, low = 0x80, high = 0xBF;
    char32_t code = 0;
    if (first >= 0xC2 && first <= 0xDF) {
        size = 2;
        code = first & 0x1Fu;
    } else if (first >= 0xE0 && first <= 0xEF) {
        size = 3;
        code = first & 0x0Fu;
        if (first == 0xE0) low = 0xA0;
        if (first == 0xED) high = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
        size = 4;
        code = first & 0x07u;
        if (first == 0xF0) low = 0x90;
        if (first == 0xF4) high = 0x8F;
    } else {
        return {kReplacement, 1, Status::invalid};
    }
    for (std::uint8_t i = 1; i < size; ++i) {
        if (p + i == end) return {kReplacement, i, Status::truncated};
        const std::uint8_t next = byte(i);
        if (next < low || next > high) return {kReplacement, i, Status::invalid};
        code = code << 6 | (next & 0x3Fu);
        low = 0x80;
        high = 0xBF;
    }
    return {code, size, Status::valid};
}

inline bool is_valid(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p != end;) {
        const Char c = read(p, end);
        if (c.status != Status::valid) return false;
        p += c.size;
    }
    return true;
}

// Writes a scalar value and returns its size, 1..4.
inline std::size_t write(char32_t code, char* target) noexcept {
    const auto put = [target](std::size_t i, char32_t bits) {
        target[i] = static_cast<char>(static_cast<std::uint8_t>(bits));
    };
    const auto tail = [code](unsigned shift) { return 0x80u | (code >> shift & 0x3Fu); };
    if (code < 0x80) {
        put(0, code);
        return 1;
    }
    if (code < 0x800) {
        put(0, 0xC0u | code >> 6);
        put(1, tail(0));
        return 2;
    }
    if (code < 0x10000) {
        put(0, 0xE0u | code >> 12);
        put(1, tail(6));
        put(2, tail(0));
        return 3;
    }
    put(0, 0xF0u | code >> 18);
    put(1, tail(12));
    put(2, tail(6));
    put(3, tail(0));
    return 4;
}

}  // namespace linnet::utf8
