// SPDX-License-Identifier: MIT
// Files, buffers and callbacks as sources of bytes: same bytes, bounds, and errors that name what is wrong.
#include "base/source.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include "base/error.hpp"

using linnet::Error;
using linnet::Source;
using linnet::Status;

namespace {

// A file that is removed at the end of the test.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view bytes)
        : path_(std::filesystem::temp_directory_path() /
                ("linnet-source-\xC3\xA4-" + std::to_string(::getpid()) + "-" + std::to_string(bytes.size()))) {
        std::ofstream(path_, std::ios::binary) << bytes;
    }
    ~TemporaryFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 8) * 7);
    return bytes;
}

std::string read(const Source& source, std::uint64_t offset, std::size_t size) {
    std::vector<std::byte> target(size);
    source.read(offset, target);
    return std::string(reinterpret_cast<const char*>(target.data()), size);
}

template <class Action>
std::pair<Status, std::string> failure(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return {error.status(), error.what()};
    }
    return {Status::ok, ""};
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a file gives the same bytes mapped and read") {
    const std::string bytes = pattern(200'000);
    const TemporaryFile file(bytes);
    for (const bool map : {true, false}) {
        CAPTURE(map);
        const Source source = Source::open_file(file.path().string(), map);
        CHECK(source.size() == bytes.size());
        CHECK((source.data() != nullptr) == map);
        CHECK(read(source, 0, bytes.size()) == bytes);
        CHECK(read(source, 199'999, 1) == bytes.substr(199'999));
        CHECK(read(source, 200'000, 0).empty());
        source.release(0, source.size());
        CHECK(read(source, 70'000, 1000) == bytes.substr(70'000, 1000));
    }
}

TEST_CASE("reads outside the source are io errors with offset and size") {
    const TemporaryFile file(pattern(100));
    const std::string text = pattern(100);
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(text.data()), text.size());
    const std::array<Source, 3> sources = {Source::open_file(file.path().string(), true),
                                           Source::open_file(file.path().string(), false), Source::from_memory(bytes)};
    for (const Source& source : sources) {
        for (const auto& range : std::vector<std::pair<std::uint64_t, std::size_t>>{
                 {100, 1}, {99, 2}, {0, 101}, {101, 0}, {~std::uint64_t{0}, 2}}) {
            const auto [status, message] = failure([&] { read(source, range.first, range.second); });
            CHECK(status == Status::io);
            CHECK(contains(message, std::to_string(range.first)));
        }
    }
}

TEST_CASE("what cannot be opened is an error that names the path") {
    const auto directory = std::filesystem::temp_directory_path().string();
    const auto [missing, text] = failure([] { Source::open_file("/nonexistent/model.gguf", true); });
    CHECK(missing == Status::not_found);
    CHECK(contains(text, "/nonexistent/model.gguf"));
    for (const bool map : {true, false}) {
        CHECK(failure([&] { Source::open_file(directory, map); }).first == Status::io);
        CHECK(failure([&] { Source::open_file("/dev/null", map); }).first == Status::io);
    }
    using namespace std::string_view_literals;
    CHECK(failure([] { Source::open_file("a\0b"sv, true); }).first == Status::invalid_argument);
}

TEST_CASE("an empty file is a source of no bytes") {
    const TemporaryFile file("");
    for (const bool map : {true, false}) {
        const Source source = Source::open_file(file.path().string(), map);
        CHECK(source.size() == 0);
        CHECK(failure([&] { read(source, 0, 1); }).first == Status::io);
    }
}

TEST_CASE("a file that shrinks is an error when it is read, mapped or not") {
    for (const bool map : {true, false}) {
        CAPTURE(map);
        const TemporaryFile file(pattern(100'000));
        const Source source = Source::open_file(file.path().string(), map);
        std::filesystem::resize_file(file.path(), 5000);
        CHECK(read(source, 0, 5000) == pattern(100'000).substr(0, 5000));
        for (const std::uint64_t offset : {4000, 50'000}) {
            const auto [status, text] = failure([&] { read(source, offset, 2000); });
            CHECK(status == Status::io);
            CHECK(contains(text, "shorter"));
        }
    }
}

TEST_CASE("callbacks of the host: reading, failing, and an optional mapping") {
    struct Archive {
        std::string bytes = pattern(1000);
        bool broken = false;
        int n_reads = 0;
    } archive;
    const auto read_at = [](void* user, std::uint64_t offset, void* target, std::size_t size) {
        auto& host = *static_cast<Archive*>(user);
        ++host.n_reads;
        if (host.broken) return false;
        std::memcpy(target, host.bytes.data() + offset, size);
        return true;
    };
    const Source source = Source::from_callbacks(1000, read_at, &archive, nullptr);
    CHECK(source.data() == nullptr);
    CHECK(read(source, 10, 990) == archive.bytes.substr(10));
    CHECK(archive.n_reads == 1);
    CHECK(failure([&] { read(source, 999, 2); }).first == Status::io);
    CHECK(archive.n_reads == 1);  // bounds are checked before the host is asked
    archive.broken = true;
    CHECK(failure([&] { read(source, 10, 20); }).first == Status::io);

    const auto* data = reinterpret_cast<const std::byte*>(archive.bytes.data());
    const Source mapped = Source::from_callbacks(1000, nullptr, nullptr, data);
    CHECK(mapped.data() == data);
    CHECK(read(mapped, 500, 500) == archive.bytes.substr(500));
}

TEST_CASE("a source moves and its file stays open") {
    const std::string bytes = pattern(300);
    const TemporaryFile file(bytes);
    for (const bool map : {true, false}) {
        Source a = Source::open_file(file.path().string(), map);
        Source b(std::move(a));
        Source c = Source::from_memory({});
        c = std::move(b);
        CHECK(read(c, 0, 300) == bytes);
    }
}
