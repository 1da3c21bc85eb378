// SPDX-License-Identifier: MIT
// POSIX implementation of reading files.
#include "base/source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"

namespace linnet {

namespace {

// strerror is not thread-safe and strerror_r differs between libcs; these are the reasons that users meet.
const char* reason(int error) noexcept {
    switch (error) {
        case ENOENT: return "no such file";
        case EACCES:
        case EPERM: return "permission denied";
        case EISDIR: return "is a directory";
        case EMFILE:
        case ENFILE: return "too many open files";
        case ENOMEM: return "not enough memory to map it";
        default: return "system error";
    }
}

[[noreturn]] void fail(std::string_view path, std::string_view action, int error) {
    throw Error(error == ENOENT ? Status::not_found : Status::io, "{}: cannot {} the file: {} (errno {})", path, action,
                reason(error), error);
}

}  // namespace

Source Source::open_file(std::string_view path, bool map) {
    if (path.find('\0') != path.npos) throw Error(Status::invalid_argument, "path contains a NUL byte");
    const std::string name(path);
    Source source;
    source.fd_ = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (source.fd_ < 0) fail(path, "open", errno);
    struct stat info {};
    if (::fstat(source.fd_, &info) != 0) fail(path, "examine", errno);
    if (S_ISDIR(info.st_mode)) fail(path, "read", EISDIR);
    if (!S_ISREG(info.st_mode)) throw Error(Status::io, "{}: not a regular file", path);
    source.size_ = static_cast<std::uint64_t>(info.st_size);
    if (map && source.size_ > 0) {
        void* data = ::mmap(nullptr, source.size_, PROT_READ, MAP_PRIVATE, source.fd_, 0);
        if (data == MAP_FAILED) fail(path, "map", errno);
        source.data_ = static_cast<const std::byte*>(data);
        source.mapped_ = true;
    }
    return source;
}

Source Source::from_memory(std::span<const std::byte> bytes) noexcept {
    Source source;
    source.size_ = bytes.size();
    source.data_ = bytes.data();
    return source;
}

Source Source::from_callbacks(std::uint64_t size, ReadAt read_at, void* user, const std::byte* data) noexcept {
    Source source;
    source.size_ = size;
    source.read_at_ = read_at;
    source.user_ = user;
    source.data_ = data;
    return source;
}

Source::Source(Source&& other) noexcept { *this = std::move(other); }

Source& Source::operator=(Source&& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
    std::swap(read_at_, other.read_at_);
    std::swap(user_, other.user_);
    std::swap(fd_, other.fd_);
    std::swap(mapped_, other.mapped_);
    return *this;
}

Source::~Source() {
    if (mapped_) ::munmap(const_cast<std::byte*>(data_), size_);
    if (fd_ >= 0) ::close(fd_);
}

void Source::read(std::uint64_t offset, std::span<std::byte> target) const {
    if (offset > size_ || target.size() > size_ - offset) {
        throw Error(Status::io, "read of {} bytes at offset {} past the end ({} bytes)", target.size(), offset, size_);
    }
    if (target.empty()) return;
    if (fd_ < 0 && data_ != nullptr) {
        std::memcpy(target.data(), data_ + offset, target.size());
        return;
    }
    if (fd_ < 0) {
        if (read_at_(user_, offset, target.data(), target.size())) return;
        throw Error(Status::io, "the host's read_at failed for {} bytes at offset {}", target.size(), offset);
    }
    while (!target.empty()) {
        const ssize_t n = ::pread(fd_, target.data(), target.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            throw Error(Status::io, "read of {} bytes at offset {} failed: {}", target.size(), offset,
                        n == 0 ? "the file became shorter" : reason(errno));
        }
        target = target.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
}

void Source::release(std::uint64_t offset, std::uint64_t size) const noexcept {
    if (!mapped_) return;
    // Neighbours that are still needed come back by a fault; left behind, they would add up. 64 KiB covers every page
    // size in use, and what systems map around a fault.
    constexpr std::uint64_t kPage = 65536;
    const std::uint64_t begin = offset / kPage * kPage;
    const std::uint64_t end = std::min(size_, (offset + size + kPage - 1) / kPage * kPage);
    if (begin < end) ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace linnet
