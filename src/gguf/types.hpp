// SPDX-License-Identifier: MIT
// The numbers of the GGUF format: metadata value types and tensor types with their block sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace linnet::gguf {

inline constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF", little-endian
inline constexpr std::uint32_t kDefaultAlignment = 32;

enum class ValueType : std::uint32_t {
    u8 = 0,
    i8 = 1,
    u16 = 2,
    i16 = 3,
    u32 = 4,
    i32 = 5,
    f32 = 6,
    boolean = 7,
    string = 8,
    array = 9,
    u64 = 10,
    i64 = 11,
    f64 = 12,
};

// "u8", "array" ...; "unknown" outside the enumeration.
std::string_view name(ValueType type) noexcept;
// Bytes of a scalar; 0 for string, array and unknown types.
std::size_t scalar_size(ValueType type) noexcept;

// The ids of ggml's tensor types, as files carry them.
enum class TensorType : std::uint32_t {};

struct TensorTypeInfo {
    TensorType type;
    std::string_view name;      // GGUF's spelling: "Q4_K"
    std::uint32_t block_size;   // elements per block
    std::uint32_t block_bytes;  // bytes per block
};

// Null for ids that no file should carry (removed or unknown ones).
const TensorTypeInfo* find_type(TensorType type) noexcept;
const TensorTypeInfo* find_type(std::string_view name) noexcept;

}  // namespace linnet::gguf
