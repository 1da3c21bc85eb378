// SPDX-License-Identifier: MIT
// Metadata values as text: every type, nesting, and where arrays are cut.
#include "bindings/c/metadata.hpp"

#include <cstring>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

namespace {

using linnet::gguf::ValueType;

struct Bytes {
    std::vector<std::byte> data;

    template <class T>
    Bytes& add(T value) {
        const auto* bytes = reinterpret_cast<const std::byte*>(&value);
        data.insert(data.end(), bytes, bytes + sizeof value);
        return *this;
    }
    Bytes& text(std::string_view value) {
        add<std::uint64_t>(value.size());
        const auto* bytes = reinterpret_cast<const std::byte*>(value.data());
        data.insert(data.end(), bytes, bytes + value.size());
        return *this;
    }
    Bytes& array(ValueType type, std::uint64_t n) {
        add(static_cast<std::uint32_t>(type));
        return add(n);
    }
};

std::string shown(const linnet::gguf::Value& value) {
    std::pmr::string text;
    linnet::c_api::append_value(value, text);
    return std::string(text);
}

template <class T>
std::string scalar(ValueType type, T number) {
    Bytes bytes;
    bytes.add(number);
    return shown({"key", type, bytes.data});
}

std::string array(ValueType type, std::uint64_t n, const Bytes& bytes) {
    return shown({"key", ValueType::array, bytes.data, type, n});
}

}  // namespace

TEST_CASE("metadata: scalars") {
    CHECK(scalar(ValueType::u8, std::uint8_t{200}) == "200");
    CHECK(scalar(ValueType::i8, std::int8_t{-7}) == "-7");
    CHECK(scalar(ValueType::u16, std::uint16_t{65535}) == "65535");
    CHECK(scalar(ValueType::i16, std::int16_t{-32768}) == "-32768");
    CHECK(scalar(ValueType::u32, 4294967295U) == "4294967295");
    CHECK(scalar(ValueType::i32, -2147483647 - 1) == "-2147483648");
    CHECK(scalar(ValueType::u64, std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    CHECK(scalar(ValueType::i64, std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
    CHECK(scalar(ValueType::f32, 0.1F) == "0.1");
    CHECK(scalar(ValueType::f64, 1e-6) == "1e-06");
    CHECK(scalar(ValueType::boolean, std::uint8_t{1}) == "true");
    CHECK(scalar(ValueType::boolean, std::uint8_t{0}) == "false");
    const std::string_view text = "as it is: \"\\\n";
    CHECK(shown({"key", ValueType::string, std::as_bytes(std::span(text))}) == text);
}

TEST_CASE("metadata: arrays are JSON") {
    CHECK(array(ValueType::i32, 0, Bytes()) == "[]");
    CHECK(array(ValueType::i8, 3, Bytes().add(std::int8_t{1}).add(std::int8_t{-2}).add(std::int8_t{3})) == "[1,-2,3]");
    CHECK(array(ValueType::boolean, 2, Bytes().add(std::uint8_t{1}).add(std::uint8_t{0})) == "[true,false]");
    CHECK(array(ValueType::string, 3, Bytes().text("a\"b").text("\\\n\x7f").text("")) ==
          "[\"a\\\"b\",\"\\\\\\u000a\x7f\",\"\"]");
    const float inf = std::numeric_limits<float>::infinity();
    CHECK(array(ValueType::f32, 3, Bytes().add(0.5F).add(inf).add(inf - inf)) == "[0.5,null,null]");
    Bytes nested;
    nested.array(ValueType::u8, 2).add(std::uint8_t{1}).add(std::uint8_t{2});
    nested.array(ValueType::array, 1).array(ValueType::string, 1).text("x");
    nested.array(ValueType::u8, 0);
    CHECK(array(ValueType::array, 3, nested) == "[[1,2],[[\"x\"]],[]]");
}

TEST_CASE("metadata: arrays end after 1,000 elements") {
    Bytes bytes;
    for (int i = 0; i < 1001; ++i) bytes.add(std::uint8_t{7});
    std::string expected = "[7";
    for (int i = 1; i < 1000; ++i) expected += ",7";
    CHECK(array(ValueType::u8, 1000, bytes) == expected + "]");
    CHECK(array(ValueType::u8, 1001, bytes) == expected + ",\"...\"]");
    Bytes nested;
    nested.array(ValueType::u8, 1001);
    nested.data.insert(nested.data.end(), bytes.data.begin(), bytes.data.end());
    const std::string text = array(ValueType::array, 1, nested);
    CHECK(text.substr(text.size() - 10) == ",7,\"...\"]]");
    CHECK(text.size() == expected.size() + 7);  // one element fewer, brackets and dots more
}
