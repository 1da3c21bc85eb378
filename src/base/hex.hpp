// SPDX-License-Identifier: MIT
// Hexadecimal digits, as escapes of templates, patterns and vocabularies write bytes and characters.
#pragma once

namespace linnet {

// 0..15, or -1 for what is no such digit. Both cases.
inline constexpr int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const int lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace linnet
