// SPDX-License-Identifier: MIT
// Global operator new and delete of this test program: counted, and made to fail at will. Nothing the library does may
// allocate beside the engine's allocator once a session is there, and every operator new may fail once.
#include <atomic>
#include <cstdlib>
#include <new>

#include "api/api.hpp"

namespace {

std::atomic<std::uint64_t> n_calls{0};
std::atomic<std::uint64_t> n_live{0};
thread_local std::uint64_t calls_until_failure = 0;
thread_local bool failure_happened = false;

void* allocate(std::size_t size, std::size_t align) noexcept {
    n_calls.fetch_add(1, std::memory_order_relaxed);
    if (calls_until_failure != 0 && --calls_until_failure == 0) {
        failure_happened = true;
        return nullptr;
    }
    const std::size_t least = size == 0 ? 1 : size;
    void* ptr = align <= alignof(std::max_align_t) ? std::malloc(least)
                                                   : std::aligned_alloc(align, (least + align - 1) / align * align);
    if (ptr != nullptr) n_live.fetch_add(1, std::memory_order_relaxed);
    return ptr;
}

void* allocate_or_throw(std::size_t size, std::size_t align) {
    void* ptr = allocate(size, align);
    if (ptr == nullptr) throw std::bad_alloc();
    return ptr;
}

void release(void* ptr) noexcept {
    if (ptr != nullptr) n_live.fetch_sub(1, std::memory_order_relaxed);
    std::free(ptr);
}

constexpr std::size_t kDefault = alignof(std::max_align_t);

}  // namespace

std::uint64_t api::n_news() { return n_calls.load(); }
std::uint64_t api::n_live_news() { return n_live.load(); }
void api::fail_new_at(std::uint64_t n) {
    calls_until_failure = n;
    failure_happened = false;
}
bool api::new_failed() { return failure_happened; }

void* operator new(std::size_t size) { return allocate_or_throw(size, kDefault); }
void* operator new[](std::size_t size) { return allocate_or_throw(size, kDefault); }
void* operator new(std::size_t size, std::align_val_t align) {
    return allocate_or_throw(size, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t size, std::align_val_t align) {
    return allocate_or_throw(size, static_cast<std::size_t>(align));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, kDefault); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, kDefault); }
void* operator new(std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
    return allocate(size, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
    return allocate(size, static_cast<std::size_t>(align));
}
void operator delete(void* ptr) noexcept { release(ptr); }
void operator delete[](void* ptr) noexcept { release(ptr); }
void operator delete(void* ptr, std::size_t) noexcept { release(ptr); }
void operator delete[](void* ptr, std::size_t) noexcept { release(ptr); }
void operator delete(void* ptr, std::align_val_t) noexcept { release(ptr); }
void operator delete[](void* ptr, std::align_val_t) noexcept { release(ptr); }
void operator delete(void* ptr, std::size_t, std::align_val_t) noexcept { release(ptr); }
void operator delete[](void* ptr, std::size_t, std::align_val_t) noexcept { release(ptr); }
void operator delete(void* ptr, const std::nothrow_t&) noexcept { release(ptr); }
void operator delete[](void* ptr, const std::nothrow_t&) noexcept { release(ptr); }
void operator delete(void* ptr, std::align_val_t, const std::nothrow_t&) noexcept { release(ptr); }
void operator delete[](void* ptr, std::align_val_t, const std::nothrow_t&) noexcept { release(ptr); }
