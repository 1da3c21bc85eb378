// SPDX-License-Identifier: MIT
// Character classes, NFC and NFD, lower case. The expected values are rows of UnicodeData.txt and
// NormalizationTest.txt 15.0.
#include <doctest/doctest.h>

#include <string>

#include "tokenizer/unicode.hpp"
#include "tokenizer/utf8.hpp"

using namespace linnet;

namespace {

std::string utf8_text(std::u32string_view codes) {
    std::string text;
    for (const char32_t code : codes) {
        char bytes[4];
        text.append(bytes, utf8::write(code, bytes));
    }
    return text;
}

std::string nfc(std::string_view text) {
    std::pmr::string out;
    unicode::append_nfc(text, out);
    return std::string(out);
}

std::string nfd(std::string_view text) {
    std::pmr::string out;
    unicode::append_nfd(text, out);
    return std::string(out);
}

}  // namespace

TEST_CASE("unicode: one class for each code point") {
    struct Row {
        char32_t code;
        unicode::Mask mask;
    };
    constexpr unicode::Mask kControl = unicode::kOther | unicode::kControl;
    constexpr unicode::Mask kNonspacing = unicode::kM | unicode::kNonspacing;
    constexpr Row kRows[] = {
        {0x0378, unicode::kOther}, {0x0000, kControl},      {0x0085, unicode::kSpace}, {0x00A0, unicode::kSpace},
        {0x00AA, unicode::kLo},    {0x00B2, unicode::kN},   {0x00D7, unicode::kS},     {0x0130, unicode::kLu},
        {0x01C5, unicode::kLt},    {0x02B0, unicode::kLm},  {0x0301, kNonspacing},     {0x0488, unicode::kM},
        {0x0903, unicode::kM},     {0x0E01, unicode::kLo},  {0x2003, unicode::kSpace}, {0x200B, kControl},
        {0x2028, unicode::kSpace}, {0x2160, unicode::kN},   {0x20AC, unicode::kS},     {0x3000, unicode::kSpace},
        {0x3001, unicode::kP},     {0x4E00, unicode::kLo},  {0x9FFF, unicode::kLo},    {0xAC00, unicode::kLo},
        {0xD7A3, unicode::kLo},    {0xD800, kControl},      {0xE000, kControl},        {0xFEFF, kControl},
        {0xFFFD, unicode::kS},     {0x1D400, unicode::kLu}, {0x1F600, unicode::kS},    {0x20000, unicode::kLo},
        {0x2A6DF, unicode::kLo},   {0x31350, unicode::kLo}, {0xE0100, kNonspacing},    {0x10FFFF, unicode::kOther},
    };
    for (const Row& row : kRows) {
        CAPTURE(static_cast<unsigned>(row.code));
        CHECK(unicode::mask(row.code) == row.mask);
    }
    CHECK(unicode::mask(' ') == (unicode::kSpace | unicode::kBlank));
    CHECK(unicode::mask('\n') == (unicode::kSpace | unicode::kNewline));
    CHECK(unicode::mask('\v') == unicode::kSpace);
    CHECK(unicode::mask('/') == (unicode::kP | unicode::kAsciiPunct | unicode::kSlash));
    CHECK(unicode::mask('+') == (unicode::kS | unicode::kAsciiPunct));
    CHECK(unicode::mask('7') == (unicode::kN | unicode::kAsciiDigit));
    CHECK(unicode::mask('z') == (unicode::kLl | unicode::kAsciiLetter));
    for (char32_t code = 0; code < 0x110000; ++code) {
        const unicode::Mask mask = unicode::mask(code) & unicode::kAny;
        if (mask == 0 || (mask & (mask - 1)) != 0)
            FAIL_CHECK("U+" << static_cast<unsigned>(code) << " has not one class");
    }
}

TEST_CASE("unicode: NFC") {
    struct Row {
        std::u32string_view from, to;
    };
    constexpr Row kRows[] = {
        {U"", U""},
        {U"plain", U"plain"},
        {U"e\x301", U"\xE9"},
        {U"xe\x301y", U"x\xE9y"},
        {U"\x1E0A", U"\x1E0A"},
        {U"\x1E0A\x323", U"\x1E0C\x307"},
        {U"D\x307\x323", U"\x1E0C\x307"},
        {U"\x1E14\x304", U"\x1E14\x304"},
        {U"\x212B", U"\xC5"},
        {U"\x2126", U"\x3A9"},
        {U"\x958", U"\x915\x93C"},  // a composition exclusion
        {U"\xFB1D", U"\x5D9\x5B4"},
        {U"\x1100\x1161", U"\xAC00"},
        {U"\x1100\x1161\x11A8", U"\xAC01"},
        {U"\xAC00\x11A8", U"\xAC01"},
        {U"\xAC00\x11A7", U"\xAC00\x11A7"},
        {U"\x9C7\x9BE", U"\x9CB"},  // both of combining class 0
        {U"\x300", U"\x300"},
        {U"\x315\x300\x5AE\x300", U"\x5AE\x300\x300\x315"},
        {U"a\x315\x300\x5AE\x62", U"\xE0\x5AE\x315\x62"},
        {U"\x1D15E", U"\x1D157\x1D165"},
        {U"\x2F800", U"\x4E3D"},
    };
    for (const Row& row : kRows) {
        const std::string from = utf8_text(row.from), to = utf8_text(row.to);
        CHECK(nfc(from) == to);
        CHECK(nfc(to) == to);
        CHECK((unicode::needs_nfc(from) || from == to));
    }
    // Bytes that are no text stay, and nothing combines with them.
    CHECK(nfc("e\xFF\xCC\x81\xE2\x82") == "e\xFF\xCC\x81\xE2\x82");
    CHECK(nfc("\xFF"
              "e\xCC\x81\xFF") == "\xFF\xC3\xA9\xFF");
}

TEST_CASE("unicode: NFD") {
    struct Row {
        std::u32string_view from, to;
    };
    constexpr Row kRows[] = {
        {U"", U""},
        {U"plain", U"plain"},
        {U"x\xE9y", U"xe\x301y"},
        {U"\x1E0A\x323", U"D\x323\x307"},
        {U"\x1E0C\x307", U"D\x323\x307"},
        {U"D\x307\x323", U"D\x323\x307"},
        {U"\x212B", U"A\x30A"},
        {U"\x37E", U";"},
        {U"\x344", U"\x308\x301"},  // begins with a mark
        {U"a\x315\x344", U"a\x308\x301\x315"},
        {U"\x958", U"\x915\x93C"},
        {U"\xAC00\xAC01", U"\x1100\x1161\x1100\x1161\x11A8"},
        {U"\x1F82", U"\x3B1\x313\x300\x345"},
        {U"\x315\x300\x5AE\x300", U"\x5AE\x300\x300\x315"},
        {U"\x1D15E", U"\x1D157\x1D165"},
        {U"\x2F800", U"\x4E3D"},
    };
    for (const Row& row : kRows) {
        const std::string from = utf8_text(row.from), to = utf8_text(row.to);
        CHECK(nfd(from) == to);
        CHECK(nfd(to) == to);
        CHECK(nfc(from) == nfc(to));
    }
    CHECK(nfd("\xC3\xA9\xFF\xC3\xA9") ==
          "e\xCC\x81\xEF\xBF\xBD"
          "e\xCC\x81");
}

TEST_CASE("unicode: simple lower case") {
    struct Row {
        char32_t from, to;
    };
    constexpr Row kRows[] = {
        {U'A', U'a'},       {U'Z', U'z'},       {U'a', U'a'},       {U'@', U'@'},     {U'[', U'['},
        {0xC0, 0xE0},       {0xD7, 0xD7},       {0xDE, 0xFE},       {0x100, 0x101},   {0x101, 0x101},
        {0x130, 0x69},      {0x178, 0xFF},      {0x1C4, 0x1C6},     {0x1C5, 0x1C6},   {0x1C6, 0x1C6},
        {0x3A3, 0x3C3},     {0x3C2, 0x3C2},     {0x410, 0x430},     {0x4C0, 0x4CF},   {0x10A0, 0x2D00},
        {0x13A0, 0xAB70},   {0x1E9E, 0xDF},     {0x1F59, 0x1F51},   {0x1F5A, 0x1F5A}, {0x1F5B, 0x1F53},
        {0x2126, 0x3C9},    {0x2160, 0x2170},   {0x24B6, 0x24D0},   {0xA7C7, 0xA7C8}, {0xFF21, 0xFF41},
        {0x10400, 0x10428}, {0x1E921, 0x1E943}, {0x1E922, 0x1E922}, {0x4E00, 0x4E00}, {0x10FFFF, 0x10FFFF},
    };
    for (const Row& row : kRows) {
        CAPTURE(static_cast<unsigned>(row.from));
        CHECK(unicode::lower(row.from) == row.to);
    }
}
