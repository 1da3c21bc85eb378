// SPDX-License-Identifier: MIT
// Writing GGUF version 3: used by the tools (synth, quantize) and by tests. Not part of loading.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"
#include "gguf/types.hpp"

namespace linnet::gguf {

// Metadata and tensor table are declared first, then write() streams the file: header, then each tensor's data from
// its callback in the order of declaration, so that a file larger than memory can be written. What is declared obeys
// the rules that File checks, so that a written file can be opened. Not thread-safe.
class Writer {
  public:
    using Sink = std::function<void(std::span<const std::byte>)>;  // receives the file's bytes in order
    using Data = std::function<void(const Sink& sink)>;            // must emit exactly the tensor's size

    explicit Writer(std::string_view architecture);  // sets general.architecture

    // All throw Error(invalid_argument) when the key is empty, taken or general.alignment (which is always 32).
    void add_u16(std::string_view key, std::uint16_t value);
    void add_u32(std::string_view key, std::uint32_t value);
    void add_i32(std::string_view key, std::int32_t value);
    void add_u64(std::string_view key, std::uint64_t value);
    void add_f32(std::string_view key, float value);
    void add_bool(std::string_view key, bool value);
    void add_string(std::string_view key, std::string_view value);
    void add_strings(std::string_view key, std::span<const std::string> values);
    void add_i32s(std::string_view key, std::span<const std::int32_t> values);
    void add_f32s(std::string_view key, std::span<const float> values);
    void add(const Value& value);  // as another file has it, whatever its type

    // shape: 1 to 4 dimensions, [0] is the contiguous one. Throws Error(invalid_argument) when a dimension is 0,
    // shape[0] is not a multiple of the type's block size, the type is unknown, or the name is empty, longer than 64
    // bytes or taken.
    void add_tensor(std::string_view name, TensorType type, std::span<const std::uint64_t> shape, Data data);

    // Throws Error(invalid_argument) when a tensor's callback emits another number of bytes than the tensor has.
    void write(const Sink& sink) const;
    void write_file(const std::string& path) const;  // throws Error(io) as well; what is left is then refused by File
    std::vector<std::byte> write_memory() const;

  private:
    struct Tensor {
        std::string name;
        TensorType type;
        std::vector<std::uint64_t> shape;
        std::uint64_t size;
        Data data;
    };
    template <class T>
    void add_number(std::string_view key, ValueType type, T value);
    template <class T>
    void add_numbers(std::string_view key, ValueType type, std::span<const T> values);
    void begin_value(std::string_view key, ValueType type);
    void begin_array(std::string_view key, ValueType type, std::uint64_t count);

    std::vector<std::byte> values_;  // as in the file
    std::set<std::string, std::less<>> keys_;
    std::vector<Tensor> tensors_;
    std::set<std::string, std::less<>> names_;
};

}  // namespace linnet::gguf
