// SPDX-License-Identifier: MIT
// Counting, the cap, the host's hooks, and what happens when they fail.
#include "base/memory.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"

using linnet::AllocatorHooks;
using linnet::Buffer;
using linnet::Error;
using linnet::Memory;
using linnet::Status;

namespace {

// A host allocator that keeps account of its own and fails on demand.
struct Host {
    std::uint64_t used = 0;
    std::uint32_t n_alloc = 0;
    std::uint32_t n_free = 0;
    std::size_t last_align = 0;
    bool fail = false;

    AllocatorHooks hooks() {
        return {this,
                [](void* user, std::size_t size, std::size_t align) -> void* {
                    auto& host = *static_cast<Host*>(user);
                    if (host.fail) return nullptr;
                    host.used += size;
                    host.last_align = align;
                    ++host.n_alloc;
                    return std::aligned_alloc(align, (size + align - 1) / align * align);
                },
                [](void* user, void* ptr, std::size_t size, std::size_t align) {
                    auto& host = *static_cast<Host*>(user);
                    host.used -= size;
                    host.last_align = align;
                    ++host.n_free;
                    std::free(ptr);
                }};
    }
};

template <class Action>
Status status_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error.status();
    }
    return Status::ok;
}

}  // namespace

TEST_CASE("used, peak and allocations are counted to the byte") {
    Memory memory;
    CHECK(memory.used() == 0);
    {
        const Buffer a(memory, 100);
        const Buffer b(memory, 28);
        CHECK(memory.used() == 128);
    }
    CHECK(memory.used() == 0);
    CHECK(memory.peak() == 128);
    CHECK(memory.n_allocations() == 2);
    const Buffer empty(memory, 0);
    CHECK(empty.data() == nullptr);
    CHECK(memory.n_allocations() == 2);
}

TEST_CASE("the cap allows its last byte and refuses the next, naming the figures") {
    Memory memory({}, 128);
    const Buffer all(memory, 100);
    CHECK(status_of([&] { const Buffer more(memory, 29); }) == Status::out_of_memory);
    CHECK(memory.used() == 100);
    CHECK(memory.peak() == 100);
    CHECK(status_of([&] { const Buffer rest(memory, 28); }) == Status::ok);
    try {
        const Buffer more(memory, 4711);
        FAIL("the cap was passed");
    } catch (const Error& error) {
        const std::string_view text = error.what();
        CHECK(text.find("4711") != text.npos);
        CHECK(text.find("128") != text.npos);
    }
}

TEST_CASE("the host's hooks see every allocation with its size and alignment") {
    Host host;
    {
        Memory memory(host.hooks());
        Buffer buffer(memory, 1000);
        CHECK(host.used == 1000);
        CHECK(host.last_align == Buffer::kAlign);
        CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % Buffer::kAlign == 0);
        std::pmr::vector<std::uint16_t> numbers(10, &memory);
        CHECK(host.used == 1020);
        CHECK(host.last_align == alignof(std::uint16_t));
    }
    CHECK(host.used == 0);
    CHECK(host.n_alloc == 2);
    CHECK(host.n_free == 2);
}

TEST_CASE("a failing hook is out_of_memory and leaves the account as it was") {
    Host host;
    Memory memory(host.hooks());
    const Buffer kept(memory, 10);
    host.fail = true;
    CHECK(status_of([&] { const Buffer buffer(memory, 64); }) == Status::out_of_memory);
    CHECK(memory.used() == 10);
    CHECK(memory.n_allocations() == 1);
}

TEST_CASE("the default allocator aligns") {
    Memory memory;
    for (const std::size_t align : {1U, 8U, 64U, 4096U}) {
        void* ptr = memory.allocate(100, align);
        CHECK(reinterpret_cast<std::uintptr_t>(ptr) % align == 0);
        memory.deallocate(ptr, 100, align);
    }
    CHECK(memory.used() == 0);
}

TEST_CASE("a Buffer moves and frees once") {
    Host host;
    Memory memory(host.hooks());
    {
        Buffer a(memory, 16);
        const std::byte* data = a.data();
        Buffer b(std::move(a));
        CHECK(b.data() == data);
        CHECK(b.size() == 16);
        Buffer c(memory, 32);
        c = std::move(b);
        CHECK(c.data() == data);
        CHECK(c.bytes().size() == 16);
    }
    CHECK(host.n_free == 2);
    CHECK(memory.used() == 0);
}

TEST_CASE("the account is right when several threads allocate") {
    Memory memory;
    std::vector<std::thread> threads;
    for (std::size_t t = 1; t <= 4; ++t) {
        threads.emplace_back([&memory, t] {
            for (std::size_t i = 1; i <= 500; ++i) const Buffer buffer(memory, t * i);
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(memory.used() == 0);
    CHECK(memory.n_allocations() == 2000);
    CHECK(memory.peak() >= 4 * 500);
    CHECK(memory.peak() <= (1 + 2 + 3 + 4) * 500);
}

TEST_CASE("memory that is prepared for writing keeps its bytes") {
    std::vector<std::byte> bytes(300'000);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
    const std::vector<std::byte> before = bytes;
    for (const std::size_t begin : {0, 1, 4095, 4096, 70'001}) {
        for (const std::size_t size : {0, 1, 4096, 65'536, 200'000}) {
            linnet::prepare_writes(std::span(bytes).subspan(begin, size));
        }
    }
    CHECK(bytes == before);
}
