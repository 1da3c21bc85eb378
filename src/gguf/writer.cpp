// SPDX-License-Identifier: MIT
#include "gguf/writer.hpp"

#include <cerrno>
#include <cstdio>
#include <limits>
#include <memory>
#include <utility>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "gguf/cursor.hpp"

namespace linnet::gguf {

namespace {

constexpr std::uint32_t kVersion = 3;

void append(std::vector<std::byte>& target, std::span<const std::byte> bytes) {
    target.insert(target.end(), bytes.begin(), bytes.end());
}

template <class T>
void append_number(std::vector<std::byte>& target, T value) {
    append(target, std::as_bytes(std::span(&value, 1)));
}

void append_string(std::vector<std::byte>& target, std::string_view text) {
    append_number<std::uint64_t>(target, text.size());
    append(target, std::as_bytes(std::span(text)));
}

// A name that the reader accepts and that `taken` does not have yet; it has it afterwards.
void take_name(std::set<std::string, std::less<>>& taken, std::string_view kind, std::string_view name,
               std::uint64_t longest) {
    if (name.empty() || name.size() > longest || name.find('\0') != name.npos) {
        throw Error(Status::invalid_argument, "{} is empty, has a NUL byte or more than {} bytes",
                    Label(kind, name).view(), longest);
    }
    if (!taken.emplace(name).second) {
        throw Error(Status::invalid_argument, "{} was added before", Label(kind, name).view());
    }
}

// Bytes of a tensor, below 2^63.
std::uint64_t tensor_size(const TensorTypeInfo& type, std::span<const std::uint64_t> shape, std::string_view label) {
    if (shape.empty() || shape.size() > 4) {
        throw Error(Status::invalid_argument, "{} has {} dimensions, not 1 to 4", label, shape.size());
    }
    const std::uint64_t longest = std::numeric_limits<std::int64_t>::max() / type.block_bytes;
    std::uint64_t n = 1;
    for (const std::uint64_t dimension : shape) {
        if (dimension == 0 || dimension > longest / n) {
            throw Error(Status::invalid_argument, "{}: the dimension {} is zero or too large", label, dimension);
        }
        n *= dimension;
    }
    if (shape[0] % type.block_size != 0) {
        throw Error(Status::invalid_argument,
                    "{}: its first dimension {} is not a multiple of {}, the block size of {}", label, shape[0],
                    type.block_size, type.name);
    }
    return n / type.block_size * type.block_bytes;
}

}  // namespace

Writer::Writer(std::string_view architecture) { add_string("general.architecture", architecture); }

void Writer::begin_value(std::string_view key, ValueType type) {
    if (key == "general.alignment") {
        throw Error(Status::invalid_argument, "key 'general.alignment' cannot be added: it is always {}",
                    kDefaultAlignment);
    }
    take_name(keys_, "key", key, 65535);
    append_string(values_, key);
    append_number(values_, type);
}

void Writer::begin_array(std::string_view key, ValueType type, std::uint64_t count) {
    begin_value(key, ValueType::array);
    append_number(values_, type);
    append_number(values_, count);
}

template <class T>
void Writer::add_number(std::string_view key, ValueType type, T value) {
    begin_value(key, type);
    append_number(values_, value);
}

template <class T>
void Writer::add_numbers(std::string_view key, ValueType type, std::span<const T> values) {
    begin_array(key, type, values.size());
    append(values_, std::as_bytes(values));
}

void Writer::add_u16(std::string_view key, std::uint16_t value) { add_number(key, ValueType::u16, value); }
void Writer::add_u32(std::string_view key, std::uint32_t value) { add_number(key, ValueType::u32, value); }
void Writer::add_i32(std::string_view key, std::int32_t value) { add_number(key, ValueType::i32, value); }
void Writer::add_u64(std::string_view key, std::uint64_t value) { add_number(key, ValueType::u64, value); }
void Writer::add_f32(std::string_view key, float value) { add_number(key, ValueType::f32, value); }
void Writer::add_bool(std::string_view key, bool value) {
    add_number<std::uint8_t>(key, ValueType::boolean, value ? 1 : 0);
}

void Writer::add_string(std::string_view key, std::string_view value) {
    begin_value(key, ValueType::string);
    append_string(values_, value);
}

void Writer::add_strings(std::string_view key, std::span<const std::string> values) {
    begin_array(key, ValueType::string, values.size());
    for (const std::string& value : values) append_string(values_, value);
}

void Writer::add_i32s(std::string_view key, std::span<const std::int32_t> values) {
    add_numbers(key, ValueType::i32, values);
}
void Writer::add_f32s(std::string_view key, std::span<const float> values) { add_numbers(key, ValueType::f32, values); }

void Writer::add(const Value& value) {
    if (value.type == ValueType::array) {
        begin_array(value.key, value.element_type, value.count);
    } else {
        begin_value(value.key, value.type);
        if (value.type == ValueType::string) append_number<std::uint64_t>(values_, value.bytes.size());
    }
    append(values_, value.bytes);
}

void Writer::add_tensor(std::string_view name, TensorType type, std::span<const std::uint64_t> shape, Data data) {
    const Label label("tensor", name);
    const TensorTypeInfo* info = find_type(type);
    if (info == nullptr) {
        throw Error(Status::invalid_argument, "{} has the unknown type {}", label.view(),
                    static_cast<std::uint32_t>(type));
    }
    const std::uint64_t size = tensor_size(*info, shape, label.view());
    take_name(names_, "tensor", name, 64);
    tensors_.push_back({std::string(name), type, {shape.begin(), shape.end()}, size, std::move(data)});
}

void Writer::write(const Sink& sink) const {
    std::vector<std::byte> header;
    append_number(header, kMagic);
    append_number(header, kVersion);
    append_number<std::uint64_t>(header, tensors_.size());
    append_number<std::uint64_t>(header, keys_.size());
    append(header, values_);
    std::uint64_t offset = 0;
    for (const Tensor& tensor : tensors_) {
        append_string(header, tensor.name);
        append_number(header, static_cast<std::uint32_t>(tensor.shape.size()));
        append(header, std::as_bytes(std::span(tensor.shape)));
        append_number(header, tensor.type);
        append_number(header, offset);
        offset = checked_round_up<std::uint64_t>(checked_add(offset, tensor.size, tensor.name), kDefaultAlignment,
                                                 tensor.name);
    }
    header.resize(round_up<std::size_t>(header.size(), kDefaultAlignment));
    sink(header);

    for (const Tensor& tensor : tensors_) {
        std::uint64_t written = 0;
        tensor.data([&](std::span<const std::byte> bytes) {
            written += bytes.size();
            if (written <= tensor.size) sink(bytes);
        });
        if (written != tensor.size) {
            throw Error(Status::invalid_argument, "{}: {} bytes of data were given, not {}",
                        Label("tensor", tensor.name).view(), written, tensor.size);
        }
        const std::byte zeros[kDefaultAlignment] = {};
        sink({zeros, static_cast<std::size_t>(round_up<std::uint64_t>(written, kDefaultAlignment) - written)});
    }
}

void Writer::write_file(const std::string& path) const {
    const auto fail = [&](const char* action) {
        throw Error(Status::io, "{}: cannot {} the file (errno {})", path, action, errno);
    };
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"), &std::fclose);
    if (file == nullptr) fail("create");
    write([&](std::span<const std::byte> bytes) {
        if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) fail("write");
    });
    if (std::fclose(file.release()) != 0) fail("write");
}

std::vector<std::byte> Writer::write_memory() const {
    std::vector<std::byte> bytes;
    write([&](std::span<const std::byte> part) { append(bytes, part); });
    return bytes;
}

}  // namespace linnet::gguf
