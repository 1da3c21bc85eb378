// SPDX-License-Identifier: MIT
// What Writer writes, File reads back; the layout is pinned byte by byte once, and misuse is refused.
#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "gguf/writer.hpp"
#include "support/fixtures.hpp"
#include "support/gguf_builder.hpp"
#include "support/temporary.hpp"

using namespace gguf_test;
using linnet::Error;
using linnet::Memory;
using linnet::Source;
using linnet::Status;
using linnet::gguf::File;
using linnet::gguf::TensorType;
using linnet::gguf::Writer;

namespace {

TensorType type(std::string_view name) { return linnet::gguf::find_type(name)->type; }

Writer::Data bytes_of(std::size_t n, std::byte value = std::byte{0}) {
    return [n, value](const Writer::Sink& sink) {
        const Bytes data(n, value);
        sink(data);
    };
}

Status status_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.status();
    }
    return Status::ok;
}

}  // namespace

TEST_CASE("the layout of a written file is the format's") {
    Writer writer("arch");
    writer.add_u32("n", 7);
    const std::uint64_t shape[] = {3};
    writer.add_tensor("t", type("I8"), shape, bytes_of(3, std::byte{9}));
    const Bytes expected = Builder()
                               .header(1, 2)
                               .text("general.architecture", "arch")
                               .scalar("n", ValueType::u32, 7U)
                               .tensor("t", {3}, 24, 0)
                               .pad()
                               .raw("\x09\x09\x09")
                               .pad();
    CHECK(writer.write_memory() == expected);
}

TEST_CASE("values of every type come back") {
    const std::vector<std::string> strings = {"", "a", std::string("nul\0inside", 10), "\xff\xfe",
                                              std::string(1000, 'x')};
    const std::vector<std::int32_t> integers = {0, -1, INT32_MAX, INT32_MIN};
    const std::vector<float> reals = {0.0F, -0.0F, 1e-45F, std::numeric_limits<float>::infinity()};
    Writer writer("test");
    writer.add_u16("u16", UINT16_MAX);
    writer.add_u32("u32", UINT32_MAX);
    writer.add_i32("i32", INT32_MIN);
    writer.add_u64("u64", UINT64_MAX);
    writer.add_f32("f32", 1.25F);
    writer.add_bool("true", true);
    writer.add_bool("false", false);
    writer.add_string("string", strings[2]);
    writer.add_strings("strings", strings);
    writer.add_strings("none", {});
    writer.add_i32s("i32s", integers);
    writer.add_f32s("f32s", reals);
    const Bytes bytes = writer.write_memory();
    Memory memory;
    const File file = open(Source::from_memory(bytes), memory);
    CHECK(file.values().size() == 13);
    CHECK(file.find("u16")->type == ValueType::u16);
    CHECK(file.u32("u16") == UINT16_MAX);
    CHECK(file.string("general.architecture") == "test");
    CHECK(file.u32("u32") == UINT32_MAX);
    CHECK(file.i32("i32") == INT32_MIN);
    CHECK(file.u64("u64") == UINT64_MAX);
    CHECK(file.f32("f32") == 1.25F);
    CHECK(file.boolean("true") == true);
    CHECK(file.boolean("false") == false);
    CHECK(file.string("string") == strings[2]);
    const auto strings_back = file.strings("strings", memory).value();
    CHECK(std::vector<std::string>(strings_back.begin(), strings_back.end()) == strings);
    CHECK(file.strings("none", memory).value().empty());
    const auto integers_back = file.i32s("i32s", memory).value();
    CHECK(std::vector<std::int32_t>(integers_back.begin(), integers_back.end()) == integers);
    const auto reals_back = file.f32s("f32s", memory).value();
    REQUIRE(reals_back.size() == reals.size());
    CHECK(std::memcmp(reals_back.data(), reals.data(), reals.size() * sizeof(float)) == 0);
}

TEST_CASE("values of any type and depth are copied as another file has them") {
    Builder values;
    values.header(0, 16).text("general.architecture", "arch");
    values.scalar("u8", ValueType::u8, std::uint8_t{200}).scalar("i8", ValueType::i8, std::int8_t{-100});
    values.scalar("u16", ValueType::u16, std::uint16_t{65535}).scalar("i16", ValueType::i16, std::int16_t{-32768});
    values.scalar("u32", ValueType::u32, 7U).scalar("i32", ValueType::i32, -7).scalar("f32", ValueType::f32, 0.5F);
    values.scalar("bool", ValueType::boolean, std::uint8_t{1}).text("string", "text");
    values.scalar("u64", ValueType::u64, UINT64_MAX).scalar("i64", ValueType::i64, INT64_MIN);
    values.scalar("f64", ValueType::f64, 0.25);
    values.array("u16s", ValueType::u16, 3).raw("abcdef").array("none", ValueType::i64, 0);
    values.array("texts", ValueType::array, 2).put(ValueType::string).u64(1).string("a");
    values.put(ValueType::boolean).u64(2).raw(std::string_view("\0\1", 2));
    const Bytes bytes = Builder(values).pad().bytes();
    Memory memory;
    const File file = open(Source::from_memory(bytes), memory);
    REQUIRE(file.values().size() == 16);
    Writer writer("arch");
    for (const auto& value : file.values().subspan(1)) writer.add(value);
    CHECK(writer.write_memory() == bytes);
    CHECK(status_of([&] { writer.add(file.values()[3]); }) == Status::invalid_argument);
}

TEST_CASE("tensors of every type come back, from a file as well") {
    Writer writer("test");
    std::vector<std::uint32_t> ids;
    for (std::uint32_t id = 0; id < 64; ++id) {
        const auto* info = linnet::gguf::find_type(static_cast<TensorType>(id));
        if (info == nullptr) continue;
        ids.push_back(id);
        const std::uint64_t shape[] = {info->block_size, 3, 2};
        writer.add_tensor(info->name, info->type, shape, [info, id](const Writer::Sink& sink) {
            for (int row = 0; row < 6; ++row) sink(Bytes(info->block_bytes, static_cast<std::byte>(id)));
        });
    }
    CHECK(ids.size() == 32);
    const Temporary folder;
    const std::string path = folder.path("types.gguf");
    writer.write_file(path);
    CHECK(fixtures::read(path) == writer.write_memory());
    Memory memory;
    const File file = File::open(path, true, memory);
    REQUIRE(file.tensors().size() == ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto& tensor = file.tensors()[i];
        const auto* info = linnet::gguf::find_type(tensor.name);
        REQUIRE(info != nullptr);
        CHECK(tensor.type == info->type);
        CHECK(tensor.n_dims == 3);
        CHECK(tensor.shape[0] == info->block_size);
        CHECK(tensor.shape[1] == 3);
        CHECK(tensor.shape[2] == 2);
        CHECK(tensor.size == info->block_bytes * 6);
        const std::byte* data = file.tensor_data(tensor);
        CHECK(data[0] == static_cast<std::byte>(ids[i]));
        CHECK(data[tensor.size - 1] == static_cast<std::byte>(ids[i]));
    }
}

TEST_CASE("misuse of the writer is refused") {
    Writer writer("test");
    writer.add_u32("taken", 1);
    const auto refused = [](const std::function<void()>& call) { CHECK(status_of(call) == Status::invalid_argument); };
    refused([&] { writer.add_u32("taken", 2); });
    refused([&] { writer.add_string("general.architecture", "other"); });
    refused([&] { writer.add_u32("general.alignment", 64); });
    refused([&] { writer.add_bool("", true); });
    refused([&] { writer.add_bool(std::string_view("a\0b", 3), true); });
    refused([&] { writer.add_bool(std::string(65536, 'k'), true); });

    const auto add = [&](std::string_view name, TensorType kind, std::vector<std::uint64_t> shape) {
        return [&writer, name, kind, shape] { writer.add_tensor(name, kind, shape, bytes_of(0)); };
    };
    refused(add("t", type("Q8_0"), {31}));
    refused(add("t", type("F32"), {}));
    refused(add("t", type("F32"), {1, 1, 1, 1, 1}));
    refused(add("t", type("F32"), {4, 0}));
    refused(add("t", type("F32"), {std::uint64_t{1} << 62, 4}));
    refused(add("t", type("F32"), {std::uint64_t{1} << 61}));
    refused(add("t", static_cast<TensorType>(9), {32}));
    refused(add("", type("F32"), {1}));
    refused(add(std::string(65, 't'), type("F32"), {1}));
    CHECK(status_of(add("t", type("F32"), {1})) == Status::ok);
    refused(add("t", type("F32"), {1}));
    refused([&] { writer.write_memory(); });  // 't' emits nothing
}

TEST_CASE("a tensor's callback that emits too little or too much is refused") {
    for (const std::size_t n : {0U, 15U, 17U, 1000U}) {
        Writer writer("test");
        const std::uint64_t shape[] = {4};
        writer.add_tensor("t", type("F32"), shape, bytes_of(n));
        CHECK(status_of([&] { writer.write_memory(); }) == Status::invalid_argument);
    }
}

TEST_CASE("a file that cannot be written is an io error") {
    const Writer writer("test");
    CHECK(status_of([&] { writer.write_file("/absent-folder/file.gguf"); }) == Status::io);
    if (std::filesystem::exists("/dev/full")) {
        CHECK(status_of([&] { writer.write_file("/dev/full"); }) == Status::io);
    }
}
