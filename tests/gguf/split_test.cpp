// SPDX-License-Identifier: MIT
// Files in several splits: written, opened, and refused when one is missing, foreign, or out of order.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "gguf/writer.hpp"
#include "support/gguf_builder.hpp"
#include "support/gguf_walk.hpp"
#include "support/temporary.hpp"

using namespace gguf_test;
using linnet::Error;
using linnet::Memory;
using linnet::Source;
using linnet::Status;
using linnet::gguf::File;
using linnet::gguf::Writer;

namespace {

// What split `number` (from 0) of `count` holds: one tensor 't<number>' of floats equal to its number.
struct Split {
    std::uint32_t number;
    std::uint32_t count;
    std::int32_t n_tensors;
    std::string name = "t" + std::to_string(number);

    Bytes bytes() const {
        Writer writer("test");
        writer.add_u32("split.no", number);
        writer.add_u32("split.count", count);
        writer.add_i32("split.tensors.count", n_tensors);
        if (number == 0) writer.add_string("general.name", "first");
        const std::uint64_t shape[] = {4};
        const auto* f32 = linnet::gguf::find_type("F32");
        writer.add_tensor(name, f32->type, shape, [this](const Writer::Sink& sink) {
            const std::vector<float> data(4, static_cast<float>(number));
            sink(std::as_bytes(std::span(data)));
        });
        return writer.write_memory();
    }
};

File open_all(const std::vector<Bytes>& splits, Memory& memory, bool addressable = true) {
    std::vector<Source> sources;
    for (const Bytes& bytes : splits) sources.push_back(addressable ? Source::from_memory(bytes) : readable(bytes));
    return File::open(std::move(sources), memory);
}

std::string refusal(const std::vector<Bytes>& splits) {
    Memory memory;
    std::string message = "opened";
    try {
        open_all(splits, memory);
    } catch (const Error& error) {
        CHECK(error.status() == Status::bad_file);
        message = error.what();
    }
    CHECK(memory.used() == 0);
    return message;
}

std::string refusal_at(const std::string& path, Status status = Status::bad_file) {
    Memory memory;
    std::string message = "opened";
    try {
        File::open(path, true, memory);
    } catch (const Error& error) {
        CHECK(static_cast<int>(error.status()) == static_cast<int>(status));
        message = error.what();
    }
    CHECK(memory.used() == 0);
    return message;
}

void contains(const std::string& text, const std::string& part) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, "'" << text << "' lacks '" << part << "'");
}

// name-0000i-of-0000n.gguf
std::string split_name(int number, int count) { return fmt::format("model-{:05}-of-{:05}.gguf", number, count); }

}  // namespace

TEST_CASE("three splits open as one file") {
    const Temporary folder;
    std::vector<Bytes> splits;
    for (std::uint32_t i = 0; i < 3; ++i) {
        splits.push_back(Split{i, 3, 3}.bytes());
        folder.write(folder.path(split_name(static_cast<int>(i) + 1, 3)), splits.back());
    }
    Memory memory;
    {
        const File file = File::open(folder.path(split_name(1, 3)), true, memory);
        CHECK(file.n_sources() == 3);
        CHECK(file.file_size() == splits[0].size() + splits[1].size() + splits[2].size());
        CHECK(file.string("general.name") == "first");
        REQUIRE(file.tensors().size() == 3);
        for (std::uint32_t i = 0; i < 3; ++i) {
            const auto* tensor = file.find_tensor("t" + std::to_string(i));
            REQUIRE(tensor != nullptr);
            CHECK(tensor->source == i);
            float value = -1;
            file.read_tensor(*tensor, 12, std::as_writable_bytes(std::span(&value, 1)));
            CHECK(value == static_cast<float>(i));
        }
        const std::string mapped = walk(file);
        CHECK(walk(File::open(folder.path(split_name(1, 3)), false, memory)) == mapped);
        CHECK(walk(open_all(splits, memory)) == mapped);
        CHECK(walk(open_all(splits, memory, false)) == mapped);
    }
    CHECK(memory.used() == 0);
}

TEST_CASE("a split that is missing, not the first, or under another name is named") {
    const Temporary folder;
    for (std::uint32_t i = 0; i < 2; ++i) {
        folder.write(folder.path(split_name(static_cast<int>(i) + 1, 3)), Split{i, 3, 3}.bytes());
    }
    contains(refusal_at(folder.path(split_name(1, 3)), Status::not_found), split_name(3, 3));
    contains(refusal_at(folder.path(split_name(2, 3))), "split 2 of 3 where split 1 is expected: open the first");
    for (const char* name : {"model.gguf", "x-00001-of-00004.gguf", "x-00002-of-00003.gguf", "x-0001-of-0003.gguf",
                             "-00001-of-00003.gguf.bak", "x-00001-of-0000a.gguf"}) {
        folder.write(folder.path(name), Split{0, 3, 3}.bytes());
        contains(refusal_at(folder.path(name)), "must end in '-00001-of-00003.gguf'");
        contains(refusal_at(folder.path(name)), name);
    }
}

TEST_CASE("splits that do not belong together are refused") {
    const Bytes a = Split{0, 3, 3}.bytes();
    const Bytes b = Split{1, 3, 3}.bytes();
    const Bytes c = Split{2, 3, 3}.bytes();
    CHECK(refusal({a, b, c}) == "opened");
    contains(refusal({a, b}), "key 'split.count' is 3, but 2 splits were given");
    contains(refusal({a}), "but 1 splits were given");
    contains(refusal(std::vector<Bytes>()), "0 splits were given");
    contains(refusal({a, c, b}), "split 2 of 3: key 'split.no' is 2");
    contains(refusal({b, a, c}), "open the first");
    contains(refusal({a, b, c, c}), "split 4 of 3");
    contains(refusal({a, b, Split{2, 4, 3}.bytes()}), "split 3 of 3: key 'split.count' is 4, but 3 in the first");
    contains(refusal({Split{0, 3, 4}.bytes(), b, c}), "key 'split.tensors.count' is 4, but the splits have 3 tensors");
    contains(refusal({Split{0, 3, -1}.bytes(), b, c}), "key 'split.tensors.count' is -1");
    contains(refusal({a, b, Split{2, 3, 3, "t1"}.bytes()}), "tensor 't1' is there twice");
    Bytes cut = b;
    cut.resize(b.size() - 32);
    contains(refusal({a, cut, c}), "split 2 of 3: tensor 't1': needs the bytes");
    contains(refusal({Split{0, UINT32_MAX, 3}.bytes(), b, c}), "split.count");
    contains(refusal({Split{0, 1, 1}.bytes(), b}), "split 2 of 1");
}

TEST_CASE("the split keys in the widths that converters write, and of wrong types") {
    const auto file = [](auto number, ValueType number_type, auto count, ValueType count_type) -> Bytes {
        return Builder().header(0, 2).scalar("split.no", number_type, number).scalar("split.count", count_type, count);
    };
    constexpr auto kU16 = ValueType::u16;
    const Bytes first = file(std::uint16_t{0}, kU16, std::uint16_t{2}, kU16);
    const Bytes second = file(std::uint16_t{1}, kU16, std::uint16_t{2}, kU16);
    CHECK(refusal({first, second}) == "opened");
    CHECK(refusal({file(std::uint16_t{0}, kU16, std::uint16_t{1}, kU16)}) == "opened");
    CHECK(refusal({file(std::uint16_t{0}, kU16, std::uint16_t{0}, kU16)}) == "opened");  // left by merging tools
    contains(refusal({file(std::uint16_t{0}, kU16, 2.0F, ValueType::f32)}), "key 'split.count' is f32, expected u32");
    contains(refusal({file(0.0F, ValueType::f32, std::uint16_t{2}, kU16)}), "key 'split.no' is f32, expected u32");
    contains(refusal({file(std::int16_t{-1}, ValueType::i16, std::uint16_t{2}, kU16)}), "key 'split.no' is -1");
    contains(refusal({file(UINT32_MAX, ValueType::u32, std::uint16_t{2}, kU16)}), "key 'split.no' is 4294967295");
}
