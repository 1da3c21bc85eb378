// SPDX-License-Identifier: MIT
// Hostile GGUF headers: one case per published vulnerability or bug of other loaders, named after it. Each file is made
// here; each must be refused with a status and a message that names the culprit, within a second, with memory
// bounded by the file's size and a constant, and without a leak. Data beyond the header: malformed_data_test.cpp.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "support/gguf_outcome.hpp"

using namespace gguf_test;
using linnet::Status;

namespace {

Builder one_value() { return Builder().header(0, 1); }

constexpr std::uint64_t kHuge[] = {std::uint64_t{1} << 32, std::uint64_t{1} << 60, std::uint64_t{1} << 63, UINT64_MAX};

}  // namespace

TEST_CASE("CVE-2024-23605: a number of values whose product with their size wraps") {
    for (const std::uint64_t n : kHuge) {
        CHECK_REFUSED(Builder().header(0, n).zeros(1000), Status::bad_file, "metadata values");
        CHECK_REFUSED(Builder().header(0, n).zeros(1000), Status::bad_file, std::to_string(n));
    }
    for (const std::uint64_t size : {sizeof(linnet::gguf::Value), std::size_t{14}, std::size_t{4}}) {
        const std::uint64_t n = UINT64_MAX / size;
        CHECK_REFUSED(Builder().header(0, n).zeros(1000), Status::bad_file, "metadata values");
        CHECK_REFUSED(Builder().header(0, n + 1).zeros(1000), Status::bad_file, "metadata values");
    }
}

TEST_CASE("CVE-2024-21836: a number of tensors whose product with their size wraps") {
    for (const std::uint64_t n : kHuge) {
        CHECK_REFUSED(Builder().header(n, 0).zeros(1000), Status::bad_file, "tensors");
    }
    for (const std::uint64_t size : {sizeof(linnet::gguf::TensorInfo), std::size_t{33}, std::size_t{56}}) {
        for (const std::uint64_t n : {UINT64_MAX / size - 1, UINT64_MAX / size, UINT64_MAX / size + 1}) {
            CHECK_REFUSED(Builder().header(n, 0).zeros(1000), Status::bad_file, std::to_string(n));
        }
    }
}

TEST_CASE("counts that the file has room for, but no model has, do not make tables") {
    // 3 MB of zeros: room for 200000 values and 90000 tensors.
    CHECK_REFUSED(Builder().header(0, 200000).zeros(3000000), Status::unsupported, "200000 metadata values");
    CHECK_REFUSED(Builder().header(90000, 0).zeros(3000000), Status::unsupported, "90000 tensors");
    // At the limit the tables are the stated constant.
    CHECK_REFUSED(Builder().header(0, 65536).zeros(3000000), Status::bad_file, "key #0 has an empty name");
    CHECK_REFUSED(Builder().header(65536, 0).zeros(3000000), Status::bad_file, "tensor #0 has an empty name");
}

TEST_CASE("CVE-2024-23496: string lengths that wrap or pass the end") {
    for (const std::uint64_t length : {UINT64_MAX, UINT64_MAX - 1, std::uint64_t{1} << 63, std::uint64_t{1} << 32}) {
        CHECK_REFUSED(one_value().u64(length).raw("key").zeros(64), Status::bad_file, "key #0");
        CHECK_REFUSED(one_value().key("some.text", ValueType::string).u64(length).zeros(64), Status::bad_file,
                      "'some.text'");
        CHECK_REFUSED(one_value().array("some.texts", ValueType::string, 3).string("a").u64(length).zeros(64),
                      Status::bad_file, "'some.texts'");
        CHECK_REFUSED(Builder().header(1, 0).u64(length).raw("name").zeros(64), Status::bad_file, "tensor #0");
    }
    // One byte more than there is, and exactly what there is.
    CHECK_REFUSED(one_value().key("t", ValueType::string).u64(5).raw("four"), Status::bad_file,
                  "key 't': 5 bytes are needed at offset 45, but the file ends at 49");
    CHECK_OPENS(one_value().key("t", ValueType::string).u64(4).raw("four"));
}

TEST_CASE("CVE-2024-21802: more dimensions than a tensor can have") {
    for (const std::uint32_t n_dims : {0U, 5U, 6U, 255U, 1U << 31, UINT32_MAX}) {
        CHECK_REFUSED(Builder().header(1, 0).string("weird").u32(n_dims).zeros(256), Status::bad_file,
                      "tensor 'weird' has " + std::to_string(n_dims) + " dimensions");
    }
}

TEST_CASE("CVE-2024-21825: array counts that wrap, for each element type") {
    for (std::uint32_t type = 0; type <= 12; ++type) {
        for (const std::uint64_t n : {std::uint64_t{1} << 61, (std::uint64_t{1} << 61) + 1, std::uint64_t{1} << 62,
                                      std::uint64_t{1} << 63, UINT64_MAX, UINT64_MAX / 12, UINT64_MAX / 8 + 1}) {
            CHECK_REFUSED(one_value().array("list", static_cast<ValueType>(type), n).zeros(256), Status::bad_file,
                          "key 'list'");
        }
    }
}

TEST_CASE("CVE-2024-21825: unknown element types") {
    for (const std::uint32_t type : {13U, 14U, 255U, 1U << 31, UINT32_MAX}) {
        CHECK_REFUSED(one_value().array("list", static_cast<ValueType>(type), 1).zeros(64), Status::unsupported,
                      "key 'list' has the unknown value type " + std::to_string(type));
        CHECK_REFUSED(one_value().array("list", ValueType::array, 1).u32(type).u64(1).zeros(64), Status::unsupported,
                      "key 'list'");
    }
}

TEST_CASE("CVE-2024-21825: nested arrays are bounded in depth, count and time") {
    for (const int depth : {1, 7, 8, 9, 100, 100000}) {
        Builder file = one_value();
        file.key("deep", ValueType::array);
        for (int i = 0; i < depth; ++i) file.put(ValueType::array).u64(1);
        file.put(ValueType::u8).u64(1).put(std::uint8_t{7});
        if (depth <= 8) {
            CHECK_OPENS(file);
        } else {
            CHECK_REFUSED(file, Status::unsupported, "key 'deep' nests arrays");
        }
    }
    // As many empty arrays as fit: work stays linear.
    constexpr std::uint64_t kCount = 100000;
    Builder wide = one_value();
    wide.array("wide", ValueType::array, kCount);
    for (std::uint64_t i = 0; i < kCount; ++i) wide.put(ValueType::array).u64(0);
    CHECK_OPENS(wide);
    Builder short_by_one = one_value();
    short_by_one.array("wide", ValueType::array, 3);
    for (int i = 0; i < 2; ++i) short_by_one.put(ValueType::u16).u64(12).zeros(24);
    CHECK_REFUSED(short_by_one, Status::bad_file, "key 'wide'");
    CHECK_REFUSED(one_value().array("wide", ValueType::array, 1).put(ValueType::u64).u64(UINT64_MAX / 8),
                  Status::bad_file, "key 'wide'");
}

TEST_CASE("ggml PR 709: every type field out of its range") {
    for (const std::uint32_t type : {13U, 14U, 100U, 0xffU, 0x7fffffffU, 0x80000000U, UINT32_MAX}) {
        CHECK_REFUSED(one_value().key("odd", static_cast<ValueType>(type)).zeros(64), Status::unsupported,
                      "key 'odd' has the unknown value type " + std::to_string(type));
    }
    // Removed ids, the two activation-only ones, and those behind the last.
    for (const std::uint32_t type : {4U, 5U, 9U, 15U, 31U, 32U, 33U, 36U, 37U, 38U, 42U, 1000U, 1U << 31, UINT32_MAX}) {
        CHECK_REFUSED(Builder().header(1, 0).tensor("odd", {256}, type, 0).pad().zeros(4096), Status::unsupported,
                      "tensor 'odd' has the unknown type " + std::to_string(type));
    }
}

TEST_CASE("a bool is 0 or 1") {
    CHECK_OPENS(one_value().scalar("flag", ValueType::boolean, std::uint8_t{1}));
    for (const std::uint8_t value : std::array<std::uint8_t, 3>{2, 128, 255}) {
        CHECK_REFUSED(one_value().scalar("flag", ValueType::boolean, value), Status::bad_file, "key 'flag'");
        CHECK_REFUSED(one_value().array("flags", ValueType::boolean, 3).put(std::uint16_t{1}).put(value),
                      Status::bad_file, "key 'flags'");
    }
}

TEST_CASE("CVE-2024-32878: an early exit at each value releases what came before") {
    constexpr int kValues = 12;
    for (int bad = 0; bad < kValues; ++bad) {
        Builder file = Builder().header(0, kValues);
        for (int i = 0; i < kValues; ++i) {
            const std::string key = "value." + std::to_string(i);
            if (i == bad) {
                file.key(key, static_cast<ValueType>(77));
            } else if (i % 3 == 0) {
                file.text(key, "text");
            } else if (i % 3 == 1) {
                file.array(key, ValueType::string, 2).string("a").string("b");
            } else {
                file.scalar(key, ValueType::u32, 1U);
            }
        }
        CHECK_REFUSED(file, Status::unsupported, "'value." + std::to_string(bad) + "'");
    }
}

TEST_CASE("llama.cpp 18586, 24263: a dimension of zero") {
    for (std::size_t axis = 0; axis < 4; ++axis) {
        std::array<std::uint64_t, 4> shape = {32, 2, 2, 2};
        shape[axis] = 0;
        CHECK_REFUSED(
            Builder().header(1, 0).tensor("flat", {shape[0], shape[1], shape[2], shape[3]}, 0, 0).pad().zeros(4096),
            Status::bad_file, "tensor 'flat': dimension " + std::to_string(axis) + " is zero");
    }
}

TEST_CASE("llama.cpp 24884: empty, duplicate and cut keys") {
    const Builder file = one_value().scalar("", ValueType::u8, std::uint8_t{1});
    REQUIRE(file.bytes().size() == 37);
    CHECK_REFUSED(file, Status::bad_file, "key #0 has an empty name");
    CHECK_REFUSED(Builder().header(0, 2).text("a", "1").text("", "2"), Status::bad_file, "key #1 has an empty name");
    CHECK_REFUSED(Builder().header(0, 3).text("twice", "1").text("once", "2").text("twice", "1"), Status::bad_file,
                  "key 'twice' is there twice");
    CHECK_REFUSED(one_value().text(std::string_view("gen\0eral", 8), "x"), Status::bad_file,
                  "key 'gen\\x00eral' contains a NUL byte");
    CHECK_REFUSED(one_value().text(std::string(65536, 'k'), "x"), Status::bad_file, "has 65536 bytes");
    CHECK_OPENS(one_value().text(std::string(65535, 'k'), "x"));
}

TEST_CASE("llama.cpp 26318, 15711: alignments that divide by zero or wrap when padding") {
    const auto file = [](auto value, ValueType type, std::size_t pad) {
        return Builder()
            .header(1, 1)
            .scalar("general.alignment", type, value)
            .tensor("t", {8}, 0, 0)
            .pad(pad)
            .zeros(64);
    };
    for (const std::uint32_t alignment : {0U, 1U, 3U, 4U, 31U, 33U, 1U << 25, 1U << 31, UINT32_MAX - 30, UINT32_MAX}) {
        CHECK_REFUSED(file(alignment, ValueType::u32, 32), Status::bad_file,
                      "key 'general.alignment' is " + std::to_string(alignment));
    }
    for (const std::uint32_t alignment : {8U, 16U, 32U, 64U, 4096U})
        CHECK_OPENS(file(alignment, ValueType::u32, alignment));
    // Allowed as such, but then the data would begin behind the end.
    CHECK_REFUSED(file(1U << 24, ValueType::u32, 32), Status::bad_file, "tensor 't'");
    CHECK_REFUSED(file(std::uint64_t{32}, ValueType::u64, 32), Status::bad_file,
                  "key 'general.alignment' is u64, expected u32");
    CHECK_REFUSED(file(std::int32_t{32}, ValueType::i32, 32), Status::bad_file, "is i32, expected u32");
    CHECK_REFUSED(file(32.0F, ValueType::f32, 32), Status::bad_file, "is f32, expected u32");
    CHECK_REFUSED(Builder().header(0, 1).text("general.alignment", "32"), Status::bad_file, "is string, expected u32");
    CHECK_REFUSED(Builder().header(0, 1).array("general.alignment", ValueType::u32, 1).u32(32), Status::bad_file,
                  "is array, expected u32");
}

TEST_CASE("gguf-py 27188: small files that ask for much work end at once") {
    // 43 bytes: header, a key of one letter, then the head of an array that claims to go on for ever.
    for (std::uint32_t element = 0; element <= 12; ++element) {
        Builder file = one_value();
        file.string("k").u32(9).u32(element).raw("\xff\xff");
        REQUIRE(file.bytes().size() == 43);
        CHECK_REFUSED(file, Status::bad_file, "key 'k'");
    }
    // A megabyte of the densest content: arrays of empty strings, of bools, of empty arrays.
    CHECK_OPENS(one_value().array("empty", ValueType::string, 131072).zeros(131072 * 8));
    CHECK_OPENS(one_value().array("bools", ValueType::boolean, 1048576).zeros(1048576));
}

TEST_CASE("what is not a GGUF file, and other byte orders and versions") {
    CHECK_REFUSED(Builder(), Status::bad_file, "not a GGUF file: it has only 0 bytes");
    CHECK_REFUSED(Builder().raw("GGU"), Status::bad_file, "not a GGUF file: it has only 3 bytes");
    CHECK_REFUSED(Builder().raw("GGUF"), Status::bad_file, "header: 4 bytes are needed at offset 4");
    CHECK_REFUSED(Builder().raw("FUGG").u32(3).u64(0).u64(0), Status::bad_file, "not a GGUF file");
    CHECK_REFUSED(Builder().raw("GGML").u32(3).u64(0).u64(0), Status::bad_file, "not a GGUF file");
    CHECK_REFUSED(Builder().header(0, 0, 0), Status::bad_file, "version is 0");
    CHECK_REFUSED(Builder().header(0, 0, 1), Status::unsupported, "version 1");
    CHECK_OPENS(Builder().header(0, 0, 2));
    CHECK_OPENS(Builder().header(0, 0, 3));
    CHECK_REFUSED(Builder().header(0, 0, 4), Status::unsupported, "version 4");
    CHECK_REFUSED(Builder().header(0, 0, UINT32_MAX), Status::unsupported, "version 4294967295");
    for (const std::uint32_t swapped : {0x02000000U, 0x03000000U, 0x01000000U}) {
        CHECK_REFUSED(Builder().header(0, 0, swapped), Status::unsupported, "big-endian");
    }
}
