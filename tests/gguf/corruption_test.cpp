// SPDX-License-Identifier: MIT
// CVE-2024-41130 and its kind: a header cut at every byte is refused, a header with any byte changed is either
// refused or read without harm, and every allocation and read of an opening may fail once.
#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <new>
#include <string>

#include "support/fixtures.hpp"
#include "support/gguf_outcome.hpp"
#include "support/gguf_walk.hpp"
#include "support/sanitized.hpp"

using namespace gguf_test;
using linnet::Error;
using linnet::Memory;
using linnet::Source;
using linnet::Status;
using linnet::gguf::File;

namespace {

// A file with every value type, nested arrays and several tensors.
Bytes small_file() {
    Builder file = Builder().header(3, 15);
    file.text("general.architecture", "test");
    file.scalar("a.u8", ValueType::u8, std::uint8_t{1}).scalar("a.i8", ValueType::i8, std::int8_t{-1});
    file.scalar("a.u16", ValueType::u16, std::uint16_t{2}).scalar("a.i16", ValueType::i16, std::int16_t{-2});
    file.scalar("a.u32", ValueType::u32, 3U).scalar("a.i32", ValueType::i32, -3);
    file.scalar("a.u64", ValueType::u64, std::uint64_t{4}).scalar("a.i64", ValueType::i64, std::int64_t{-4});
    file.scalar("a.f32", ValueType::f32, 0.5F).scalar("a.f64", ValueType::f64, 0.25);
    file.scalar("a.bool", ValueType::boolean, std::uint8_t{1});
    file.array("tokenizer.ggml.tokens", ValueType::string, 3).string("<s>").string("").string("word");
    file.array("tokenizer.ggml.scores", ValueType::f32, 3).put(0.0F).put(-1.0F).put(-2.0F);
    file.array("nested", ValueType::array, 2)
        .put(ValueType::u16)
        .u64(2)
        .u32(0)
        .put(ValueType::string)
        .u64(1)
        .string("x");
    file.tensor("f32", {4, 2}, 0, 0).tensor("q8", {32, 2, 1}, 8, 32).tensor("i8", {5}, 24, 128);
    return file.pad().zeros(160);
}

// Where the tensor data begins, so what precedes is header (and padding).
std::size_t header_size(const Bytes& bytes) {
    Memory memory;
    const File file = open(Source::from_memory(bytes), memory);
    std::uint64_t begin = bytes.size();
    for (const auto& tensor : file.tensors()) begin = std::min(begin, tensor.offset);
    return static_cast<std::size_t>(begin);
}

// Every value and tensor touched when it opens; no crash, no leak, no memory without bound when it does not.
bool opens(const Bytes& bytes, std::size_t size, bool addressable) {
    Memory memory;
    bool ok = true;
    try {
        const auto part = std::span(bytes).first(size);
        if (addressable) {
            walk(open(Source::from_memory(part), memory));
        } else {
            const Bytes copy(part.begin(), part.end());
            walk(open(readable(copy), memory));
        }
    } catch (const Error& error) {
        ok = false;
        if (error.status() != Status::bad_file && error.status() != Status::unsupported) FAIL(error.what());
    }
    if (memory.used() != 0) FAIL("leak of " << memory.used() << " bytes");
    if (memory.peak() > allowed_peak(bytes.size())) FAIL("peak of " << memory.peak() << " bytes");
    return ok;
}

// step: every how many bytes, 1 for all of them. masks: the changes to try at each.
void corrupt(const Bytes& bytes, std::size_t step, bool addressable, std::initializer_list<unsigned char> masks) {
    const std::size_t n = header_size(bytes);
    Bytes changed = bytes;
    for (std::size_t at = 0; at < n; at += step) {
        // Cut: there are tensors behind the header, so it cannot open.
        if (opens(bytes, at, addressable)) FAIL("opens with its first " << at << " bytes");
        for (const unsigned char mask : masks) {
            changed[at] ^= std::byte{mask};
            opens(changed, changed.size(), addressable);
            changed[at] = bytes[at];
        }
    }
}

}  // namespace

TEST_CASE("CVE-2024-41130: a small file cut and changed at every byte of its header") {
    const Bytes bytes = small_file();
    REQUIRE(opens(bytes, bytes.size(), true));
    corrupt(bytes, 1, true, {1, 2, 4, 8, 16, 32, 64, 128, 255});
    corrupt(bytes, 1, false, {1, 128, 255});
}

TEST_CASE("CVE-2024-41130: a golden cut and changed at every byte of its header") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: no shared fixtures");
        return;
    }
    const Bytes bytes = fixtures::read(*shared / "goldens/llama/model-f32.gguf");
    corrupt(bytes, fixtures::kSanitized ? 7 : 1, true, {255});
    corrupt(bytes, 13, false, {128});
}

TEST_CASE("every other fixture with tensors, cut and changed at some hundred places of its header") {
    std::vector<std::filesystem::path> roots = {fixtures::local()};
    if (const auto shared = fixtures::shared()) {
        roots.push_back(*shared / "goldens");
    } else {
        MESSAGE("skipped: no shared fixtures");
    }
    for (const auto& root : roots) {
        if (!std::filesystem::is_directory(root)) continue;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
            if (entry.path().extension() != ".gguf") continue;
            INFO(entry.path());
            const Bytes bytes = fixtures::read(entry.path());
            corrupt(bytes, header_size(bytes) / (fixtures::kSanitized ? 23 : 97) + 1, true, {255});
        }
    }
}

TEST_CASE("each allocation of an opening fails once") {
    struct Failing {
        std::uint64_t left;
    };
    const linnet::AllocatorHooks hooks = {
        nullptr,
        [](void* user, std::size_t size, std::size_t align) -> void* {
            auto& failing = *static_cast<Failing*>(user);
            if (failing.left-- == 0) return nullptr;
            return ::operator new(size, std::align_val_t(align), std::nothrow);
        },
        [](void*, void* ptr, std::size_t, std::size_t align) { ::operator delete(ptr, std::align_val_t(align)); },
    };
    const Bytes bytes = small_file();
    for (const bool addressable : {true, false}) {
        std::uint64_t n_failed = 0;
        for (bool opened = false; !opened; ++n_failed) {
            REQUIRE(n_failed < 100);
            Failing failing{n_failed};
            linnet::AllocatorHooks mine = hooks;
            mine.user = &failing;
            Memory memory(mine);
            try {
                open(addressable ? Source::from_memory(bytes) : readable(bytes), memory);
                opened = true;
            } catch (const Error& error) {
                CHECK(error.status() == Status::out_of_memory);
            }
            CHECK(memory.used() == 0);
        }
        CHECK(n_failed > 5);
    }
}

TEST_CASE("each read of an opening fails once") {
    struct Host {
        const Bytes* bytes;
        int left;
    };
    const auto read = [](void* user, std::uint64_t offset, void* target, std::size_t size) {
        auto& host = *static_cast<Host*>(user);
        if (host.left-- == 0) return false;
        std::memcpy(target, host.bytes->data() + offset, size);
        return true;
    };
    // A header of 60 kB, so that there are several reads.
    Builder file = Builder().header(0, 1);
    file.text("long", std::string(60000, 'x'));
    for (int n_failed = 0;; ++n_failed) {
        Host host{&file.bytes(), n_failed};
        Memory memory;
        try {
            open(Source::from_callbacks(file.bytes().size(), read, &host, nullptr), memory);
            CHECK(n_failed >= 2);
            break;
        } catch (const Error& error) {
            CHECK(error.status() == Status::io);
            CHECK(memory.used() == 0);
        }
    }
}
