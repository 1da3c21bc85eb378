// SPDX-License-Identifier: MIT
// The memory and the work of one rendering (or one template): values are bump-allocated, never freed one by one, and
// both the bytes and the steps are bounded. Whatever does work in proportion to its input spends steps for it, so that
// a template or a conversation can cost no more than the limits say.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/error.hpp"

namespace linnet::chat {

class Arena {
  public:
    Arena(std::pmr::memory_resource& memory, std::uint64_t max_bytes, std::uint64_t max_steps) noexcept
        : memory_(&memory),
          max_bytes_(max_bytes),
          max_steps_(max_steps),
          bytes_left_(max_bytes),
          steps_left_(max_steps) {}
    Arena(Arena&& other) noexcept { swap(other); }
    Arena& operator=(Arena&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Arena() {
        while (chunks_ != nullptr) {
            Chunk* const next = chunks_->next;
            memory_->deallocate(chunks_, chunks_->size, kAlign);
            chunks_ = next;
        }
    }

    void spend(std::uint64_t steps) {
        if (steps > steps_left_) throw Error(Status::unsupported, "the template needs more than {} steps", max_steps_);
        steps_left_ -= steps;
    }

    // Throws unless `n` further bytes are within the limit: asked before temporaries of that size are made.
    void require(std::uint64_t n) const {
        if (n > bytes_left_) throw Error(Status::unsupported, "the template needs more than {} bytes", max_bytes_);
    }

    // Uninitialised memory for `n` objects, which are never destroyed.
    template <class T>
    T* allocate(std::uint64_t n) {
        static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= kAlign);
        require(n);
        return static_cast<T*>(bump(n * sizeof(T)));
    }
    template <class T>
    T* make() {
        return new (allocate<T>(1)) T();
    }
    template <class T>
    T* copy(std::span<const T> items) {
        T* const target = allocate<T>(items.size());
        std::uninitialized_copy(items.begin(), items.end(), target);
        return target;
    }
    std::string_view copy(std::string_view text) {
        if (text.empty()) return {};
        char* const target = allocate<char>(text.size());
        std::memcpy(target, text.data(), text.size());
        return {target, text.size()};
    }

    // a + b. What was made by the last call is extended in place where it can be, so that text which is gathered piece
    // by piece costs no more than its length.
    std::string_view join(std::string_view a, std::string_view b) {
        if (b.empty()) return a;
        if (a.empty()) return b;
        const bool at_end = a.data() + a.size() == grown_end_;
        if (!at_end || b.size() > static_cast<std::size_t>(grown_limit_ - grown_end_)) {
            const std::uint64_t size = a.size() + b.size();
            const std::uint64_t room = size < kGrowing ? size : std::min<std::uint64_t>(2 * size, bytes_left_);
            char* const target = allocate<char>(std::max(size, room));
            std::memcpy(target, a.data(), a.size());
            a = {target, a.size()};
            grown_end_ = target + a.size();
            grown_limit_ = target + std::max(size, room);
        }
        std::memcpy(grown_end_, b.data(), b.size());
        grown_end_ += b.size();
        return {a.data(), a.size() + b.size()};
    }

    std::uint64_t used() const noexcept { return max_bytes_ - bytes_left_; }
    std::pmr::memory_resource& memory() const noexcept { return *memory_; }

  private:
    static constexpr std::size_t kAlign = 16;
    static constexpr std::size_t kFirstChunk = 4096, kMaxChunk = 1 << 20;
    static constexpr std::size_t kGrowing = 256;  // shorter text gets no room to grow
    struct alignas(kAlign) Chunk {
        Chunk* next;
        std::size_t size;
    };

    void swap(Arena& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(max_bytes_, other.max_bytes_);
        std::swap(max_steps_, other.max_steps_);
        std::swap(bytes_left_, other.bytes_left_);
        std::swap(steps_left_, other.steps_left_);
        std::swap(chunks_, other.chunks_);
        std::swap(at_, other.at_);
        std::swap(end_, other.end_);
        std::swap(grown_end_, other.grown_end_);
        std::swap(grown_limit_, other.grown_limit_);
    }

    void* bump(std::uint64_t size) {
        size = (size + kAlign - 1) / kAlign * kAlign;
        require(size);
        if (size > static_cast<std::uint64_t>(end_ - at_)) {
            const std::size_t usual = chunks_ == nullptr ? kFirstChunk : std::min(2 * chunks_->size, kMaxChunk);
            const std::size_t bytes = std::max<std::size_t>(static_cast<std::size_t>(size) + sizeof(Chunk), usual);
            void* const block = memory_->allocate(bytes, kAlign);
            chunks_ = new (block) Chunk{chunks_, bytes};
            at_ = static_cast<char*>(block) + sizeof(Chunk);
            end_ = static_cast<char*>(block) + bytes;
        }
        bytes_left_ -= size;
        return std::exchange(at_, at_ + size);
    }

    std::pmr::memory_resource* memory_ = nullptr;
    std::uint64_t max_bytes_ = 0, max_steps_ = 0, bytes_left_ = 0, steps_left_ = 0;
    Chunk* chunks_ = nullptr;
    char *at_ = nullptr, *end_ = nullptr;
    char *grown_end_ = nullptr, *grown_limit_ = nullptr;
};

}  // namespace linnet::chat
