// SPDX-License-Identifier: MIT
// Everything that can be asked of an opened GGUF file, as one text: equal texts mean equal files. Touches every byte of
// metadata and the first and last of each tensor, so that a sanitizer sees a view that leaves its source.
// Throws std::logic_error when the file contradicts itself.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "gguf/file.hpp"

namespace gguf_test {

// FNV-1a; for comparison only.
inline std::uint64_t digest(std::span<const std::byte> bytes, std::uint64_t hash = 0xcbf29ce484222325U) {
    for (const std::byte b : bytes) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001b3U;
    return hash;
}

// What a typed getter gives or says.
template <class Call>
std::string answer(const Call& call) {
    try {
        return call();
    } catch (const linnet::Error& error) {
        return error.what();
    }
}

inline std::string walk(const linnet::gguf::File& file) {
    linnet::Memory memory;
    std::string text = fmt::format("version {} alignment {} size {} splits {}\n", file.version(), file.alignment(),
                                   file.file_size(), file.n_sources());
    for (const linnet::gguf::Value& value : file.values()) {
        const std::string_view key = value.key;
        text += fmt::format("{} {} {} {} {} {:x}", key, name(value.type), name(value.element_type), value.count,
                            value.bytes.size(), digest(value.bytes));
        text += answer([&] { return fmt::format("; {}", *file.u32(key)); });
        text += answer([&] { return fmt::format("; {}", *file.i32(key)); });
        text += answer([&] { return fmt::format("; {}", *file.u64(key)); });
        text += answer([&] { return fmt::format("; {}", *file.f32(key)); });
        text += answer([&] { return fmt::format("; {}", *file.boolean(key)); });
        text += answer([&] { return fmt::format("; {:x}", digest(std::as_bytes(std::span(*file.string(key))))); });
        text += answer([&] {
            std::uint64_t hash = 0;
            const auto strings = file.strings(key, memory);
            for (const std::string_view s : *strings) hash = digest(std::as_bytes(std::span(s)), hash + s.size());
            return fmt::format("; {} strings {:x}", strings->size(), hash);
        });
        text += answer([&] {
            const auto numbers = file.i32s(key, memory);
            return fmt::format("; {} i32s {:x}", numbers->size(), digest(std::as_bytes(std::span(*numbers))));
        });
        text += answer([&] {
            const auto numbers = file.f32s(key, memory);
            return fmt::format("; {} f32s {:x}", numbers->size(), digest(std::as_bytes(std::span(*numbers))));
        });
        text += answer([&] {
            std::size_t n_set = 0;
            const auto flags = file.booleans(key, memory);
            for (const bool flag : *flags) n_set += flag ? 1 : 0;
            return fmt::format("; {} of {} bools", n_set, flags->size());
        });
        if (file.find(key) != &value) throw std::logic_error("a key is not found");
        text += '\n';
    }
    for (const linnet::gguf::TensorInfo& tensor : file.tensors()) {
        text += fmt::format("{} {} {} {}x{}x{}x{} {} {} {} {}", tensor.name, static_cast<std::uint32_t>(tensor.type),
                            tensor.n_dims, tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3],
                            tensor.n_elements, tensor.size, tensor.offset, tensor.source);
        std::array<std::byte, 16> data{};
        const auto part = std::span(data).first(static_cast<std::size_t>(std::min<std::uint64_t>(16, tensor.size)));
        file.read_tensor(tensor, 0, part);
        text += fmt::format(" {:x}", digest(part));
        file.read_tensor(tensor, tensor.size - part.size(), part);
        text += fmt::format(" {:x}", digest(part));
        const std::byte* address = file.tensor_data(tensor);
        if (address != nullptr && address[tensor.size - 1] != part.back()) throw std::logic_error("data differ");
        if (file.find_tensor(tensor.name) != &tensor) throw std::logic_error("a tensor is not found");
        text += '\n';
    }
    return text;
}

}  // namespace gguf_test
