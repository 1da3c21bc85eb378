// SPDX-License-Identifier: MIT
// Reading valid files: every fixture opens the same way from every kind of source, its tensors tile the data to the
// byte, and its metadata is what the makers of the fixtures wrote down beside it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/fixtures.hpp"
#include "support/gguf_builder.hpp"
#include "support/gguf_walk.hpp"
#include "support/temporary.hpp"

using namespace gguf_test;
using linnet::Error;
using linnet::Memory;
using linnet::Source;
using linnet::Status;
using linnet::gguf::File;
using linnet::gguf::TensorInfo;

namespace {

std::vector<std::filesystem::path> all_fixtures() {
    std::vector<std::filesystem::path> files;
    std::vector<std::filesystem::path> roots = {fixtures::local(), fixtures::models()};
    if (const auto shared = fixtures::shared()) {
        for (const char* folder : {"goldens", "tokenizers", "default-model"}) roots.push_back(*shared / folder);
    } else {
        MESSAGE("skipped: no shared fixtures");
    }
    for (const auto& root : roots) {
        if (!std::filesystem::is_directory(root)) continue;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
            if (entry.path().extension() == ".gguf") files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

// No byte of the data but padding (below the alignment) lies between tensors or behind the last: so every size is
// right, as a wrong one would leave a gap or an overlap.
bool tiles(const File& file) {
    std::vector<TensorInfo> tensors(file.tensors().begin(), file.tensors().end());
    std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::uint64_t end = tensors[i].offset + tensors[i].size;
        const std::uint64_t next = i + 1 < tensors.size() ? tensors[i + 1].offset : file.file_size();
        if (next < end || next - end >= file.alignment()) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("every fixture opens from every kind of source alike, and its tensors tile it") {
    for (const auto& path : all_fixtures()) {
        INFO(path);
        const Bytes bytes = fixtures::read(path);
        Memory memory;
        std::string mapped;
        {
            const File file = File::open(path.string(), true, memory);
            CHECK(tiles(file));
            CHECK(file.file_size() == bytes.size());
            CHECK(file.version() == 3);
            CHECK(file.string("general.architecture").has_value());
            CHECK(memory.peak() < 200000);  // tables only
            mapped = walk(file);
        }
        CHECK(walk(File::open(path.string(), false, memory)) == mapped);
        CHECK(walk(open(Source::from_memory(bytes), memory)) == mapped);
        CHECK(walk(open(readable(bytes), memory)) == mapped);
        CHECK(memory.used() == 0);
        CHECK(memory.peak() < bytes.size() + 200000);
    }
}

TEST_CASE("golden metadata equals the goldens' own record of it") {
    // The repository's small set is part of the full one.
    const auto folder = fixtures::shared().value_or(fixtures::local()) / "goldens";
    if (!std::filesystem::is_directory(folder)) {
        MESSAGE("skipped: no goldens");
        return;
    }
    std::size_t n_compared = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (!std::filesystem::exists(entry.path() / "golden.json")) continue;
        const auto golden = nlohmann::json::parse(std::ifstream(entry.path() / "golden.json"));
        if (!golden.contains("gguf_kv")) continue;
        Memory memory;
        const File file = File::open((entry.path() / golden.at("file").get<std::string>()).string(), true, memory);
        for (const auto& item : golden.at("gguf_kv").items()) {
            const std::string& key = item.key();
            const nlohmann::json& expected = item.value();
            INFO(entry.path() << " " << key);
            if (expected.is_string()) {
                CHECK(file.string(key).value() == expected.get<std::string>());
            } else if (expected.is_boolean()) {
                CHECK(file.boolean(key).value() == expected.get<bool>());
            } else if (expected.is_number_integer()) {
                CHECK(file.u64(key).value() == expected.get<std::uint64_t>());
            } else if (expected.is_number()) {
                CHECK(file.f32(key).value() == expected.get<float>());
            } else {
                continue;
            }
            ++n_compared;
        }
        CHECK(file.tensors().size() > 0);
    }
    CHECK(n_compared > 20);
}

TEST_CASE("a real vocabulary: sizes as published, and views that lie in the mapping") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: no shared fixtures");
        return;
    }
    Memory memory;
    const File file = File::open((*shared / "tokenizers/llama3.2/vocab.gguf").string(), true, memory);
    const auto tokens = file.strings("tokenizer.ggml.tokens", memory).value();
    CHECK(tokens.size() == 128256);
    CHECK(tokens[0] == "!");
    CHECK(tokens[128000] == "<|begin_of_text|>");
    CHECK(file.strings("tokenizer.ggml.merges", memory).value().size() == 280147);
    CHECK(file.i32s("tokenizer.ggml.token_type", memory).value().size() == 128256);
    CHECK(file.u32("tokenizer.ggml.bos_token_id") == 128000);
    const std::byte* data = file.source(0).data();
    for (const std::string_view token : tokens) {
        const auto* at = reinterpret_cast<const std::byte*>(token.data());
        if (at < data || at + token.size() > data + file.file_size()) FAIL("a token lies outside the mapping");
    }
}

TEST_CASE("versions 2 and 3 have the same layout") {
    for (const std::uint32_t version : {2U, 3U}) {
        const Bytes bytes =
            Builder().header(1, 1, version).text("key", "value").tensor("t", {2, 3}, 0, 0).pad().put(1.5F).zeros(28);
        Memory memory;
        const File file = open(Source::from_memory(bytes), memory);
        CHECK(file.version() == version);
        CHECK(file.string("key") == "value");
        REQUIRE(file.tensors().size() == 1);
        const TensorInfo& tensor = file.tensors()[0];
        CHECK(tensor.n_dims == 2);
        CHECK(tensor.shape[0] == 2);
        CHECK(tensor.shape[1] == 3);
        CHECK(tensor.shape[2] == 1);
        CHECK(tensor.shape[3] == 1);
        CHECK(tensor.n_elements == 6);
        CHECK(tensor.size == 24);
        CHECK(tensor.offset % 32 == 0);
        float first = 0;
        file.read_tensor(tensor, 0, std::as_writable_bytes(std::span(&first, 1)));
        CHECK(first == 1.5F);
    }
}

TEST_CASE("a longer header than the first read, and views that survive moving the file") {
    Builder bytes = Builder().header(1, 2000);
    for (int i = 0; i < 2000; ++i)
        bytes.text("key." + std::to_string(i), std::string(static_cast<std::size_t>(i), 'v'));
    bytes.tensor("t", {8}, 0, 0).pad().zeros(32);
    Memory memory;
    File first = open(readable(bytes), memory);
    CHECK(memory.peak() < bytes.bytes().size() + 200000);  // never two buffers at once
    const File file = std::move(first);
    for (int i = 0; i < 2000; ++i) {
        CHECK(file.string("key." + std::to_string(i)).value() == std::string(static_cast<std::size_t>(i), 'v'));
    }
    CHECK(file.find("key.2000") == nullptr);
    CHECK(file.find_tensor("t") == &file.tensors()[0]);
    CHECK(file.find_tensor("u") == nullptr);
    CHECK(file.tensor_data(file.tensors()[0]) == nullptr);
}

TEST_CASE("nested arrays are kept as bytes with the outer count") {
    const Bytes bytes = Builder()
                            .header(0, 2)
                            .array("nested", ValueType::array, 2)
                            .put(ValueType::u8)
                            .u64(3)
                            .raw("abc")
                            .put(ValueType::string)
                            .u64(1)
                            .string("text")
                            .text("after", "here");
    Memory memory;
    const File file = open(Source::from_memory(bytes), memory);
    const auto* nested = file.find("nested");
    REQUIRE(nested != nullptr);
    CHECK(nested->element_type == ValueType::array);
    CHECK(nested->count == 2);
    CHECK(nested->bytes.size() == 4 + 8 + 3 + 4 + 8 + 8 + 4);
    CHECK(file.string("after") == "here");
    CHECK_THROWS_AS(file.strings("nested", memory), Error);
}

TEST_CASE("paths: absent files are named, UTF-8 works") {
    const Temporary folder;
    Memory memory;
    for (const bool map : {true, false}) {
        try {
            File::open(folder.path("absent.gguf"), map, memory);
            FAIL("opened nothing");
        } catch (const Error& error) {
            CHECK(error.status() == Status::not_found);
            CHECK(std::string(error.what()).find("absent.gguf") != std::string::npos);
        }
        const std::string path = folder.path("\xe6\xa8\xa1\xe5\x9e\x8b \xc3\xa9.gguf");
        folder.write(path, Bytes(Builder().header(0, 1).text("k", "v")));
        CHECK(File::open(path, map, memory).string("k") == "v");
        folder.write(folder.path("empty.gguf"), {});
        CHECK_THROWS_AS(File::open(folder.path("empty.gguf"), map, memory), Error);
    }
    CHECK(memory.used() == 0);
}
