// SPDX-License-Identifier: MIT
#include "base/memory.hpp"

#include <cstdint>
#include <new>

#include <sys/mman.h>

#include "base/error.hpp"

namespace linnet {

void* Memory::do_allocate(std::size_t size, std::size_t align) {
    const std::uint64_t now = used_.fetch_add(size, std::memory_order_relaxed) + size;
    void* ptr = nullptr;
    const bool allowed = limit_ == 0 || now <= limit_;
    if (allowed) {
        ptr = hooks_.alloc != nullptr ? hooks_.alloc(hooks_.user, size, align)
                                      : ::operator new(size, std::align_val_t(align), std::nothrow);
    }
    if (ptr == nullptr) {
        used_.fetch_sub(size, std::memory_order_relaxed);
        if (allowed) throw Error(Status::out_of_memory, "out of memory: {} bytes could not be allocated", size);
        throw Error(Status::out_of_memory, "out of memory: {} more bytes on top of {} exceed the engine's limit of {}",
                    size, now - size, limit_);
    }
    n_allocations_.fetch_add(1, std::memory_order_relaxed);
    std::uint64_t peak = peak_.load(std::memory_order_relaxed);
    while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
    }
    return ptr;
}

void Memory::do_deallocate(void* ptr, std::size_t size, std::size_t align) {
    used_.fetch_sub(size, std::memory_order_relaxed);
    if (hooks_.free != nullptr) {
        hooks_.free(hooks_.user, ptr, size, align);
    } else {
        ::operator delete(ptr, std::align_val_t(align));  // unsized: clang 14 has no other by default
    }
}

void prepare_writes(std::span<std::byte> bytes) noexcept {
#if defined(MADV_POPULATE_WRITE)
    // Also the pages at the ends, which are there for the bytes that they share. Where pages are larger, the call may
    // fail, as on older systems: then faults do it.
    constexpr std::uintptr_t kPage = 4096;
    std::byte* const begin = bytes.data() - reinterpret_cast<std::uintptr_t>(bytes.data()) % kPage;
    const auto size = static_cast<std::size_t>(bytes.data() + bytes.size() - begin);
    ::madvise(begin, (size + kPage - 1) / kPage * kPage, MADV_POPULATE_WRITE);
#else
    static_cast<void>(bytes);
#endif
}

}  // namespace linnet
