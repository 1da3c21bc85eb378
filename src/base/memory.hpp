// SPDX-License-Identifier: MIT
// All memory of an engine: the host's allocator behind a std::pmr interface which counts and enforces the cap.
// Long-lived containers are std::pmr ones on an engine's Memory; nothing uses the default resource.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <utility>

namespace linnet {

// What the host may supply; the default is aligned operator new. `alloc` returns null on failure. Called from any
// thread that calls into the engine.
struct AllocatorHooks {
    void* user = nullptr;
    void* (*alloc)(void* user, std::size_t size, std::size_t align) = nullptr;
    void (*free)(void* user, void* ptr, std::size_t size, std::size_t align) = nullptr;
};

class Memory final : public std::pmr::memory_resource {
  public:
    // limit = 0: no cap.
    explicit Memory(AllocatorHooks hooks = {}, std::uint64_t limit = 0) noexcept : hooks_(hooks), limit_(limit) {}
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
    std::uint64_t peak() const noexcept { return peak_.load(std::memory_order_relaxed); }
    std::uint64_t n_allocations() const noexcept { return n_allocations_.load(std::memory_order_relaxed); }

  private:
    // Throws Error(out_of_memory).
    void* do_allocate(std::size_t size, std::size_t align) override;
    void do_deallocate(void* ptr, std::size_t size, std::size_t align) override;
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

    AllocatorHooks hooks_;
    std::uint64_t limit_;
    std::atomic<std::uint64_t> used_{0};
    std::atomic<std::uint64_t> peak_{0};
    std::atomic<std::uint64_t> n_allocations_{0};
};

// Hint: all of these bytes of the process's own memory are about to be written. Has their pages made present by one
// call, which costs less than a fault for each. From any thread; changes no bytes.
void prepare_writes(std::span<std::byte> bytes) noexcept;

// A block of bytes from a Memory, aligned to a cache line, not initialised. Movable.
class Buffer {
  public:
    static constexpr std::size_t kAlign = 64;

    Buffer() noexcept = default;
    Buffer(std::pmr::memory_resource& memory, std::size_t size)
        : memory_(&memory),
          data_(size == 0 ? nullptr : static_cast<std::byte*>(memory.allocate(size, kAlign))),
          size_(size) {}
    Buffer(Buffer&& other) noexcept
        : memory_(other.memory_), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Buffer() {
        if (data_ != nullptr) memory_->deallocate(data_, size_, kAlign);
    }

    std::byte* data() noexcept { return data_; }
    const std::byte* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    std::span<std::byte> bytes() noexcept { return {data_, size_}; }
    std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

  private:
    std::pmr::memory_resource* memory_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace linnet
