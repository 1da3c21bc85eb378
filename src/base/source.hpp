// SPDX-License-Identifier: MIT
// Where a model's bytes come from: a file (mapped or read), a buffer of the host, or callbacks of the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace linnet {

// Random access to a fixed number of bytes. `data` is null when the bytes cannot be addressed and must be read.
// Owns what the factory opened; movable only. Reads are thread-safe when the host's callback is.
class Source {
  public:
    // Fills `target` completely from `offset` or returns false.
    using ReadAt = bool (*)(void* user, std::uint64_t offset, void* target, std::size_t size);

    // path: UTF-8. map = false: nothing is addressable, so that a file that shrinks later is an Error, never a SIGBUS.
    // Throws Error(not_found | io) naming the path.
    static Source open_file(std::string_view path, bool map);
    // The bytes must stay valid and unchanged for the Source's life.
    static Source from_memory(std::span<const std::byte> bytes) noexcept;
    // data: optional mapping of all `size` bytes, null without.
    static Source from_callbacks(std::uint64_t size, ReadAt read_at, void* user, const std::byte* data) noexcept;

    Source() noexcept = default;
    Source(Source&& other) noexcept;
    Source& operator=(Source&& other) noexcept;
    ~Source();

    std::uint64_t size() const noexcept { return size_; }
    // All bytes when they are addressable, else null.
    const std::byte* data() const noexcept { return data_; }
    // Copies [offset, offset + target.size()) out, of files by pread even when they are mapped: an Error where the
    // mapping would be a SIGBUS. Throws Error(io) outside the source or when reading fails.
    void read(std::uint64_t offset, std::span<std::byte> target) const;
    // Hint: these bytes of a mapped file will not be used again (their pages may leave memory). No effect otherwise.
    void release(std::uint64_t offset, std::uint64_t size) const noexcept;

  private:
    std::uint64_t size_ = 0;
    const std::byte* data_ = nullptr;
    ReadAt read_at_ = nullptr;
    void* user_ = nullptr;
    int fd_ = -1;          // owned; of files
    bool mapped_ = false;  // data_ is our own mapping of size_ bytes
};

}  // namespace linnet
