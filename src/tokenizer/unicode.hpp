// SPDX-License-Identifier: MIT
// Character classes of Unicode 15 as bit masks, which is what the pre-tokenizers' character sets are made of,
// normalisation forms C and D, and lower case.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>

namespace linnet::unicode {

using Mask = std::uint32_t;

// Each code point has exactly one of these: its general category, or kSpace where White_Space holds.
inline constexpr Mask kLu = 1u << 0, kLl = 1u << 1, kLt = 1u << 2, kLm = 1u << 3, kLo = 1u << 4, kM = 1u << 5,
                      kN = 1u << 6, kP = 1u << 7, kS = 1u << 8, kSpace = 1u << 9, kOther = 1u << 10;
inline constexpr Mask kL = kLu | kLl | kLt | kLm | kLo;
inline constexpr Mask kAny = (1u << 11) - 1;

// Parts of the classes above, for characters which have that one as well.
inline constexpr Mask kNonspacing = 1u << 17;  // of kM: Mn
inline constexpr Mask kControl = 1u << 18;     // of kOther: Cc, Cf, Co, Cs; that is, all but unassigned ones

// ASCII characters have these as well.
inline constexpr Mask kBlank = 1u << 11;        // U+0020
inline constexpr Mask kNewline = 1u << 12;      // CR, LF
inline constexpr Mask kSlash = 1u << 13;        // '/'
inline constexpr Mask kAsciiLetter = 1u << 14;  // A-Z a-z
inline constexpr Mask kAsciiDigit = 1u << 15;   // 0-9
inline constexpr Mask kAsciiPunct = 1u << 16;   // the 32 graphic ones that are neither

extern const std::array<Mask, 128> kAsciiMasks;
Mask non_ascii_mask(char32_t code) noexcept;

// Any value below 0x110000.
inline Mask mask(char32_t code) noexcept { return code < 0x80 ? kAsciiMasks[code] : non_ascii_mask(code); }

// True when `text` may differ from its NFC. Linear, allocates nothing.
bool needs_nfc(std::string_view text) noexcept;
// Appends NFC(text); bytes that are no UTF-8 stay as they are. Linear; temporary memory from `out`'s resource.
void append_nfc(std::string_view text, std::pmr::string& out);
// Appends NFD(text), with U+FFFD for bytes that are no UTF-8; otherwise likewise.
void append_nfd(std::string_view text, std::pmr::string& out);

// The simple lower case: one character for one, whatever stands around it.
char32_t lower(char32_t code) noexcept;

}  // namespace linnet::unicode
