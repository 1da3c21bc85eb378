// SPDX-License-Identifier: MIT
// A GGUF file opened for reading: validated header, typed metadata, tensor table.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
// Everything in a file is hostile until checked here: after open() succeeds every string, array and tensor span is
// inside its source, aligned, non-overlapping and of a known type, so that later layers need no checks of extent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/memory.hpp"
#include "base/source.hpp"
#include "gguf/types.hpp"

namespace linnet::gguf {

// One metadata value: a view into the header bytes that File owns.
// Scalars and strings are read through File's typed getters; arrays through Array.
struct Value {
    std::string_view key;
    ValueType type;
    std::span<const std::byte> bytes;  // scalar: its bytes; string: its text; array: element data after type and count
    ValueType element_type{};          // arrays only
    std::uint64_t count = 0;           // arrays only: number of elements
};

struct TensorInfo {
    std::string_view name;
    TensorType type;
    std::uint32_t n_dims;    // 1..4
    std::uint64_t shape[4];  // shape[0] is the contiguous one (n_in of a matrix); unused ones are 1
    std::uint64_t n_elements;
    std::uint64_t size;    // bytes, exact
    std::uint64_t offset;  // from the start of its source
    std::uint32_t source;  // index of the split that holds it
};

class File {
  public:
    // Opens `path` and, when its header says that it is the first of N splits, the N - 1 others beside it. Their names
    // come from `path` alone (`name-00001-of-0000N.gguf`), never from the file.
    static File open(std::string_view path, bool map, Memory& memory);
    // The sources are the splits in order (one for an ordinary file).
    static File open(std::vector<Source> sources, Memory& memory);

    std::uint32_t version() const noexcept { return version_; }
    std::uint64_t alignment() const noexcept { return alignment_; }
    std::span<const Value> values() const noexcept { return values_; }
    std::span<const TensorInfo> tensors() const noexcept { return tensors_; }
    const Source& source(std::size_t index) const noexcept { return sources_[index]; }
    std::size_t n_sources() const noexcept { return sources_.size(); }
    std::uint64_t file_size() const noexcept;  // of all splits together

    const Value* find(std::string_view key) const noexcept;               // null when absent; O(log n)
    const TensorInfo* find_tensor(std::string_view name) const noexcept;  // null when absent; O(log n)

    // Typed getters. Absent: nullopt. Present with another type: Error(bad_file) naming the key and both types.
    // Integers of any width and sign are accepted where the value fits the range asked for; float accepts f32 and f64.
    std::optional<std::uint32_t> u32(std::string_view key) const;
    std::optional<std::int32_t> i32(std::string_view key) const;
    std::optional<std::uint64_t> u64(std::string_view key) const;
    std::optional<float> f32(std::string_view key) const;
    std::optional<bool> boolean(std::string_view key) const;
    std::optional<std::string_view> string(std::string_view key) const;

    // Arrays, copied into the caller's memory; integers and floats convert as above, per element.
    std::optional<std::pmr::vector<std::string_view>> strings(std::string_view key, std::pmr::memory_resource&) const;
    std::optional<std::pmr::vector<std::int32_t>> i32s(std::string_view key, std::pmr::memory_resource&) const;
    std::optional<std::pmr::vector<float>> f32s(std::string_view key, std::pmr::memory_resource&) const;
    std::optional<std::pmr::vector<bool>> booleans(std::string_view key, std::pmr::memory_resource&) const;

    // The tensor's bytes when its source is addressable, else null.
    const std::byte* tensor_data(const TensorInfo& tensor) const noexcept;
    // Copies `target.size()` bytes of the tensor from byte `offset` on. Throws Error(io).
    void read_tensor(const TensorInfo& tensor, std::uint64_t offset, std::span<std::byte> target) const;

  private:
    explicit File(Memory& memory);
    void add(Source source);  // the next split
    void finish();            // after the last split: what concerns all of them

    Memory* memory_;
    std::uint32_t version_ = 0;
    std::uint32_t n_splits_ = 0;
    std::uint64_t alignment_ = 32;
    std::pmr::vector<Source> sources_;
    std::pmr::vector<Buffer> headers_;  // of sources that are not addressable: their header bytes, else empty
    std::pmr::vector<Value> values_;    // of the first split, in file order
    std::pmr::vector<std::uint32_t> values_by_key_;
    std::pmr::vector<TensorInfo> tensors_;  // of all splits, in file order
    std::pmr::vector<std::uint32_t> tensors_by_name_;
};

}  // namespace linnet::gguf
