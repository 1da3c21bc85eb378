// SPDX-License-Identifier: MIT
// The one way in which bytes of a GGUF header are read: a cursor that never leaves the file, compares every length
// with the bytes that remain before it is used, and names what it was reading when the file ends too early.
// It sees a prefix of the file: all of it when the file is addressable, else as much as has been read so far.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace linnet::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF's little-endian numbers are read as they are");

template <class T>
T load(const std::byte* data) noexcept {
    T value;
    std::memcpy(&value, data, sizeof value);
    return value;
}

// For messages: `kind 'name'`, with what is not printable ASCII escaped and long names cut; or `kind #number`.
class Label {
  public:
    explicit Label(std::string_view kind) noexcept { append(kind); }
    Label(std::string_view kind, std::uint64_t number) noexcept;
    Label(std::string_view kind, std::string_view name) noexcept;
    std::string_view view() const noexcept { return {text_, size_}; }

  private:
    static constexpr std::size_t kKind = 32;   // kinds are words of ours
    static constexpr std::size_t kShown = 96;  // bytes of a name
    void append(std::string_view text) noexcept {
        std::memcpy(text_ + size_, text.data(), text.size());
        size_ += text.size();
    }
    template <class... Args>
    void append(fmt::format_string<Args...> format, const Args&... args) noexcept {
        size_ += format_into(std::span(text_).subspan(size_), format, fmt::make_format_args(args...));
    }

    char text_[kKind + kShown * 4 + 8];
    std::size_t size_ = 0;
};

// Thrown by Cursor when the file goes on but the prefix does not: parsing starts again with at least `end` bytes.
struct Incomplete {
    std::uint64_t end;
};

class Cursor {
  public:
    // prefix: the first bytes of a file of `file_size` bytes.
    Cursor(std::span<const std::byte> prefix, std::uint64_t file_size) noexcept
        : prefix_(prefix), file_size_(file_size) {}

    std::uint64_t position() const noexcept { return position_; }
    std::uint64_t remaining() const noexcept { return file_size_ - position_; }

    // What is being read from here on, for messages: "key" or "tensor", by number until the name is known.
    void enter(std::string_view kind, std::uint64_t number) noexcept {
        kind_ = kind;
        number_ = number;
        name_ = {};
    }
    void enter(std::string_view kind, std::string_view name) noexcept {
        kind_ = kind;
        name_ = name;
    }
    Label label() const noexcept {
        if (kind_.empty()) return Label("header");
        return name_.empty() ? Label(kind_, number_) : Label(kind_, name_);
    }

    // The next n bytes; they stay valid as long as the prefix.
    std::span<const std::byte> take(std::uint64_t n) {
        if (n > prefix_.size() - position_) [[unlikely]]
            fail(n);
        const std::byte* data = prefix_.data() + position_;
        position_ += static_cast<std::size_t>(n);
        return {data, static_cast<std::size_t>(n)};
    }

    // What was taken since `begin`, an earlier position().
    std::span<const std::byte> since(std::uint64_t begin) const noexcept {
        return prefix_.subspan(static_cast<std::size_t>(begin), position_ - static_cast<std::size_t>(begin));
    }

    template <class T>
    T read() {
        return load<T>(take(sizeof(T)).data());
    }

    std::string_view string() {
        const auto text = take(read<std::uint64_t>());
        return {reinterpret_cast<const char*>(text.data()), text.size()};
    }

    // A number of items that take at least `least` bytes each: refused when they cannot be in the rest of the file.
    std::uint64_t count(std::string_view items, std::uint64_t least) {
        const auto n = read<std::uint64_t>();
        if (n > remaining() / least) {
            throw Error(Status::bad_file, "{}: {} {} are declared, but only {} bytes remain at offset {}",
                        label().view(), n, items, remaining(), position_);
        }
        return n;
    }

  private:
    [[noreturn, gnu::noinline]] void fail(std::uint64_t n) const {
        if (n <= remaining()) throw Incomplete{position_ + n};
        throw Error(Status::bad_file, "{}: {} bytes are needed at offset {}, but the file ends at {}", label().view(),
                    n, position_, file_size_);
    }

    std::span<const std::byte> prefix_;
    std::uint64_t file_size_;
    std::size_t position_ = 0;
    std::string_view kind_;
    std::string_view name_;
    std::uint64_t number_ = 0;
};

}  // namespace linnet::gguf
