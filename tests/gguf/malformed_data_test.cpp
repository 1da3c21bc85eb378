// SPDX-License-Identifier: MIT
// Hostile tensor tables and data, and metadata of the wrong type: one case per published vulnerability or bug of
// other loaders, named after it. What holds for each file: see support/gguf_outcome.hpp.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>

#include "support/gguf_outcome.hpp"
#include "support/temporary.hpp"

using namespace gguf_test;
using linnet::Error;
using linnet::Memory;
using linnet::Source;
using linnet::Status;
using linnet::gguf::File;

namespace {

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kI8 = 24;
constexpr std::uint64_t k2to31 = std::uint64_t{1} << 31;
constexpr std::uint64_t k2to63 = std::uint64_t{1} << 63;

// Every id that the format has in use.
std::vector<std::uint32_t> known_types() {
    std::vector<std::uint32_t> ids;
    for (std::uint32_t id = 0; id < 256; ++id) {
        if (linnet::gguf::find_type(static_cast<linnet::gguf::TensorType>(id)) != nullptr) ids.push_back(id);
    }
    return ids;
}

// Data of a tensor 't' of 64 floats, at `offset` into the data.
Builder one_tensor(std::uint64_t offset, std::size_t data) {
    return Builder().header(1, 0).tensor("t", {64}, kF32, offset).pad().zeros(data);
}

}  // namespace

TEST_CASE("CVE-2025-53630: sizes whose padded sum wraps") {
    // Two sizes that make 2^64 + 64 together, behind each other and both at 0.
    for (const std::uint64_t second : {std::uint64_t{0}, k2to63, k2to63 + 32}) {
        const Builder file = Builder()
                                 .header(2, 0)
                                 .tensor("a", {k2to63}, kI8, 0)
                                 .tensor("b", {k2to63 + 64}, kI8, second)
                                 .pad()
                                 .zeros(256);
        CHECK_REFUSED(file, Status::bad_file, "tensor 'a'");
    }
    CHECK_REFUSED(
        Builder().header(2, 0).tensor("a", {32}, kI8, 0).tensor("b", {UINT64_MAX - 31}, kI8, 32).pad().zeros(256),
        Status::bad_file, "tensor 'b'");
    CHECK_REFUSED(Builder().header(1, 0).tensor("a", {UINT64_MAX}, kI8, 0).pad().zeros(256), Status::bad_file,
                  "tensor 'a'");
}

TEST_CASE("CVE-2026-27940: no product or sum of a tensor's numbers wraps into the file") {
    // All combinations of extreme dimensions and offsets. A wrapped product or sum could land inside the file; none may
    // be accepted but the few that truly fit.
    const std::uint64_t extremes[] = {1,           32,     k2to31 - 1,  k2to31,          k2to31 * 2, k2to31 * 2 + 32,
                                      k2to63 - 32, k2to63, k2to63 + 32, UINT64_MAX - 31, UINT64_MAX};
    const std::uint64_t offsets[] = {0, 32, k2to63, UINT64_MAX - 31, UINT64_MAX - 63, UINT64_MAX - 95, UINT64_MAX};
    for (const std::uint32_t type : {kF32, kI8, 2U}) {
        for (const std::uint64_t a : extremes) {
            for (const std::uint64_t b : extremes) {
                for (const std::uint64_t offset : offsets) {
                    const Builder file = Builder().header(1, 0).tensor("t", {a, b, b}, type, offset).pad().zeros(192);
                    const bool fits = a <= 32 && b == 1 && (type != 2 || a == 32) && offset <= 32;
                    const Outcome result = outcome(file);
                    CHECK((result.status == Status::ok) == fits);
                    if (!fits) CHECK(result.message.find("'t'") != std::string::npos);
                }
            }
        }
    }
}

TEST_CASE("CVE-2026-33298: dimensions whose product times the type's size wraps") {
    for (const std::uint32_t type : known_types()) {
        for (const std::uint64_t other : {k2to31, k2to31 * 2, k2to31 * 4, k2to63}) {
            CHECK_REFUSED(Builder().header(1, 0).tensor("huge", {k2to31, other}, type, 0).pad().zeros(4096),
                          Status::bad_file, "tensor 'huge'");
            CHECK_REFUSED(Builder().header(1, 0).tensor("huge", {k2to31, k2to31, other, 4}, type, 0).pad().zeros(4096),
                          Status::bad_file, "tensor 'huge'");
        }
    }
}

TEST_CASE("a first dimension that is not a number of blocks") {
    for (const std::uint32_t type : known_types()) {
        const auto* info = linnet::gguf::find_type(static_cast<linnet::gguf::TensorType>(type));
        const std::uint64_t size = info->block_size;
        CHECK_OPENS(Builder().header(1, 0).tensor("t", {size, 1}, type, 0).pad().zeros(info->block_bytes));
        if (size == 1) continue;
        CHECK_REFUSED(Builder().header(1, 0).tensor("t", {size - 1, 1}, type, 0).pad().zeros(4096), Status::bad_file,
                      "not a multiple of " + std::to_string(size));
        // The product is a multiple, the row is not.
        CHECK_REFUSED(Builder().header(1, 0).tensor("t", {size / 2, 2}, type, 0).pad().zeros(4096), Status::bad_file,
                      "not a multiple");
    }
}

TEST_CASE("llama.cpp 6774, pie 423, lucebox 438: data shorter than declared") {
    CHECK_OPENS(one_tensor(0, 256));
    CHECK_OPENS(one_tensor(0, 4096));  // more is padding
    for (std::size_t data = 0; data < 256; ++data) {
        CHECK_REFUSED(one_tensor(0, data), Status::bad_file,
                      "tensor 't': needs the bytes 64 to 320, but the file has " + std::to_string(64 + data));
    }
    CHECK_OPENS(one_tensor(64, 320));
    for (const std::uint64_t offset : {std::uint64_t{96}, std::uint64_t{1} << 32, k2to63, UINT64_MAX - 31}) {
        CHECK_REFUSED(one_tensor(offset, 320), Status::bad_file, "tensor 't'");
    }
    for (const std::uint64_t offset : {1U, 8U, 31U, 33U}) {
        CHECK_REFUSED(one_tensor(offset, 4096), Status::bad_file,
                      "tensor 't': its offset " + std::to_string(offset) + " is not a multiple of the alignment 32");
    }
    // The table ends the file: not even padding follows.
    CHECK_REFUSED(Builder().header(1, 0).tensor("t", {64}, kF32, 0), Status::bad_file, "tensor 't'");
}

TEST_CASE("llama.cpp 6774: a file that shrinks after it was opened") {
    const Temporary folder;
    const std::string path = folder.path("shrinks.gguf");
    const Bytes bytes = one_tensor(0, 256);
    folder.write(path, bytes);
    Memory memory;
    const File file = File::open(path, false, memory);
    std::array<std::byte, 256> data{};
    file.read_tensor(file.tensors()[0], 0, data);
    std::filesystem::resize_file(path, 200);
    CHECK_THROWS_AS(file.read_tensor(file.tensors()[0], 0, data), Error);
    std::filesystem::resize_file(path, 0);
    try {
        file.read_tensor(file.tensors()[0], 128, std::span(data).first(1));
        FAIL("read from an empty file");
    } catch (const Error& error) {
        CHECK(error.status() == Status::io);
        CHECK(std::string(error.what()).find("shorter") != std::string::npos);
    }
}

TEST_CASE("reads outside a tensor are refused") {
    Memory memory;
    const Bytes bytes = one_tensor(0, 512);
    const File file = open(Source::from_memory(bytes), memory);
    const auto& tensor = file.tensors()[0];
    std::array<std::byte, 257> data{};
    CHECK_NOTHROW(file.read_tensor(tensor, 256, std::span(data).first(0)));
    CHECK_NOTHROW(file.read_tensor(tensor, 255, std::span(data).first(1)));
    CHECK_THROWS_AS(file.read_tensor(tensor, 256, std::span(data).first(1)), Error);
    CHECK_THROWS_AS(file.read_tensor(tensor, 0, data), Error);
    CHECK_THROWS_AS(file.read_tensor(tensor, UINT64_MAX, std::span(data).first(2)), Error);
}

TEST_CASE("tensors that overlap or have the same name") {
    const auto two = [](const char* first, std::uint64_t a, const char* second, std::uint64_t b) {
        return Builder().header(2, 0).tensor(first, {16}, kF32, a).tensor(second, {16}, kF32, b).pad().zeros(256);
    };
    CHECK_OPENS(two("a", 0, "b", 64));
    CHECK_OPENS(two("a", 64, "b", 0));   // any order
    CHECK_OPENS(two("a", 0, "b", 192));  // with a gap
    CHECK_REFUSED(two("a", 0, "b", 32), Status::bad_file, "tensor 'b' at offset 128 overlaps tensor 'a'");
    CHECK_REFUSED(two("a", 32, "b", 0), Status::bad_file, "tensor 'a' at offset 128 overlaps tensor 'b'");
    CHECK_REFUSED(two("a", 64, "b", 64), Status::bad_file, "overlaps");
    CHECK_REFUSED(two("same", 0, "same", 64), Status::bad_file, "tensor 'same' is there twice");
    CHECK_REFUSED(two("", 0, "b", 64), Status::bad_file, "tensor #0 has an empty name");
}

TEST_CASE("llama.cpp 26690: each typed getter refuses each other type by name") {
    // One value of every type and an array of every type.
    const char* names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                           "bool", "string", "array", "u64", "i64", "f64"};
    Builder bytes = Builder().header(0, 26);
    for (std::uint32_t type = 0; type < 13; ++type) {
        const auto value = static_cast<ValueType>(type);
        const std::size_t size = linnet::gguf::scalar_size(value);
        bytes.key(names[type], value);
        if (value == ValueType::array) {
            bytes.put(ValueType::u8).u64(0);
        } else {
            bytes.zeros(size == 0 ? 8 : size);
        }
        bytes.array(std::string(names[type]) + "s", value, 1);
        if (value == ValueType::array) bytes.put(ValueType::u8).u64(0);
        if (value == ValueType::string) bytes.string("");
        bytes.zeros(size);
    }
    Memory memory;
    const File file = open(Source::from_memory(bytes.bytes()), memory);

    struct Getter {
        std::string expected;  // as the message says
        std::string accepts;   // names from above, each between blanks
        std::function<bool(const std::string&)> present;
    };
    const std::string integers = " u8 i8 u16 i16 u32 i32 u64 i64 ";
    const std::string all_integers = " u8s i8s u16s i16s u32s i32s u64s i64s ";
    const Getter getters[] = {
        {"u32", integers, [&](const std::string& key) { return file.u32(key).has_value(); }},
        {"i32", integers, [&](const std::string& key) { return file.i32(key).has_value(); }},
        {"u64", integers, [&](const std::string& key) { return file.u64(key).has_value(); }},
        {"f32", " f32 f64 ", [&](const std::string& key) { return file.f32(key).has_value(); }},
        {"bool", " bool ", [&](const std::string& key) { return file.boolean(key).has_value(); }},
        {"string", " string ", [&](const std::string& key) { return file.string(key).has_value(); }},
        {"string array", " strings ", [&](const std::string& key) { return file.strings(key, memory).has_value(); }},
        {"i32 array", all_integers, [&](const std::string& key) { return file.i32s(key, memory).has_value(); }},
        {"f32 array", " f32s f64s ", [&](const std::string& key) { return file.f32s(key, memory).has_value(); }},
        {"bool array", " bools ", [&](const std::string& key) { return file.booleans(key, memory).has_value(); }},
    };
    for (const Getter& getter : getters) {
        CHECK_FALSE(getter.present("absent"));
        for (std::uint32_t type = 0; type < 13; ++type) {
            for (const bool plural : {false, true}) {
                const std::string key = std::string(names[type]) + (plural ? "s" : "");
                std::string is = plural ? std::string(names[type]) + " array" : names[type];
                if (key == "array") is = "u8 array";
                // The empty u8 array under 'array' is an array of integers.
                const bool fits = getter.accepts.find(" " + key + " ") != std::string::npos ||
                                  (key == "array" && getter.expected == "i32 array");
                if (fits) {
                    CHECK(getter.present(key));
                    continue;
                }
                std::string message;
                try {
                    getter.present(key);
                } catch (const Error& error) {
                    CHECK(error.status() == Status::bad_file);
                    message = error.what();
                }
                CHECK(message == "key '" + key + "' is " + is + ", expected " + getter.expected);
            }
        }
    }
}

TEST_CASE("numbers that do not fit what is asked for") {
    const Bytes bytes = Builder()
                            .header(0, 7)
                            .scalar("minus", ValueType::i64, std::int64_t{-1})
                            .scalar("big", ValueType::u64, std::uint64_t{1} << 32)
                            .scalar("bigger", ValueType::u64, UINT64_MAX)
                            .scalar("real", ValueType::f64, 1e300)
                            .scalar("nan", ValueType::f64, std::numeric_limits<double>::quiet_NaN())
                            .array("list", ValueType::u32, 2)
                            .u32(1)
                            .u32(1U << 31)
                            .array("reals", ValueType::f64, 1)
                            .put(-1e39);
    Memory memory;
    const File file = open(Source::from_memory(bytes), memory);
    const auto message = [](const std::function<void()>& call) -> std::string {
        try {
            call();
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    CHECK(file.i32("minus") == -1);
    CHECK(message([&] { file.u32("minus"); }) == "key 'minus' is -1, which does not fit u32");
    CHECK(message([&] { file.u64("minus"); }) == "key 'minus' is -1, which does not fit u64");
    CHECK(file.u64("big") == std::uint64_t{1} << 32);
    CHECK(message([&] { file.u32("big"); }) == "key 'big' is 4294967296, which does not fit u32");
    CHECK(message([&] { file.i32("big"); }) == "key 'big' is 4294967296, which does not fit i32");
    CHECK(file.u64("bigger") == UINT64_MAX);
    CHECK(message([&] { file.f32("real"); }) == "key 'real' is 1e+300, which does not fit f32");
    CHECK(std::isnan(file.f32("nan").value()));
    CHECK(message([&] { file.i32s("list", memory); }) ==
          "key 'list', element 1, is 2147483648, which does not fit i32");
    CHECK(message([&] { file.f32s("reals", memory); }) == "key 'reals', element 0, is -1e+39, which does not fit f32");
}
