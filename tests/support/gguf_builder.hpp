// SPDX-License-Identifier: MIT
// GGUF files made byte by byte, so that tests can say what no writer would: every count, length, type and offset is
// the caller's. Also the ways to open such bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/memory.hpp"
#include "base/source.hpp"
#include "gguf/file.hpp"
#include "gguf/types.hpp"

namespace gguf_test {

using Bytes = std::vector<std::byte>;
using linnet::gguf::ValueType;

class Builder {
  public:
    template <class T>
    Builder& put(T value) {
        const auto bytes = std::as_bytes(std::span(&value, 1));
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Builder& u32(std::uint32_t value) { return put(value); }
    Builder& u64(std::uint64_t value) { return put(value); }
    Builder& raw(std::string_view text) {
        const auto bytes = std::as_bytes(std::span(text));
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Builder& string(std::string_view text) { return u64(text.size()).raw(text); }

    Builder& header(std::uint64_t n_tensors, std::uint64_t n_values, std::uint32_t version = 3) {
        return raw("GGUF").u32(version).u64(n_tensors).u64(n_values);
    }
    // A key and the type that follows it.
    Builder& key(std::string_view name, ValueType type) { return string(name).put(type); }
    template <class T>
    Builder& scalar(std::string_view name, ValueType type, T value) {
        return key(name, type).put(value);
    }
    Builder& text(std::string_view name, std::string_view value) { return key(name, ValueType::string).string(value); }
    // The elements follow.
    Builder& array(std::string_view name, ValueType element, std::uint64_t count) {
        return key(name, ValueType::array).put(element).u64(count);
    }
    Builder& tensor(std::string_view name, std::initializer_list<std::uint64_t> shape, std::uint32_t type,
                    std::uint64_t offset) {
        string(name).u32(static_cast<std::uint32_t>(shape.size()));
        for (const std::uint64_t n : shape) u64(n);
        return u32(type).u64(offset);
    }
    Builder& zeros(std::size_t n) {
        bytes_.resize(bytes_.size() + n);
        return *this;
    }
    Builder& pad(std::size_t alignment = 32) { return zeros((alignment - bytes_.size() % alignment) % alignment); }

    const Bytes& bytes() const { return bytes_; }
    operator const Bytes&() const { return bytes_; }  // NOLINT: a builder is its bytes

  private:
    Bytes bytes_;
};

// Bytes that can only be read, like those of a host's callback.
inline linnet::Source readable(const Bytes& bytes) {
    const auto read = [](void* user, std::uint64_t offset, void* target, std::size_t size) {
        const auto& from = *static_cast<const Bytes*>(user);
        if (offset > from.size() || size > from.size() - offset) return false;
        std::memcpy(target, from.data() + offset, size);
        return true;
    };
    return linnet::Source::from_callbacks(bytes.size(), read, const_cast<Bytes*>(&bytes), nullptr);
}

// The source is the only one of the file.
inline linnet::gguf::File open(linnet::Source source, linnet::Memory& memory) {
    std::vector<linnet::Source> sources;
    sources.push_back(std::move(source));
    return linnet::gguf::File::open(std::move(sources), memory);
}

}  // namespace gguf_test
