// SPDX-License-Identifier: MIT
// The table of tensor types. Ids and block sizes are those of ggml (ggml.h, gguf-py/gguf/constants.py). Left out, so
// that a file which carries them is refused: 4, 5, 31-33 and 36-38 (removed from the format), Q8_1 and Q8_K (9, 15:
// layouts of activations during a product, of whose sizes there are several accounts).
#include "gguf/types.hpp"

#include <iterator>

namespace linnet::gguf {

namespace {

constexpr TensorTypeInfo row(std::uint32_t id, std::string_view name, std::uint32_t size, std::uint32_t bytes) {
    return {static_cast<TensorType>(id), name, size, bytes};
}

constexpr TensorTypeInfo kTypes[] = {
    row(0, "F32", 1, 4),         row(1, "F16", 1, 2),        row(2, "Q4_0", 32, 18),      row(3, "Q4_1", 32, 20),
    row(6, "Q5_0", 32, 22),      row(7, "Q5_1", 32, 24),     row(8, "Q8_0", 32, 34),      row(10, "Q2_K", 256, 84),
    row(11, "Q3_K", 256, 110),   row(12, "Q4_K", 256, 144),  row(13, "Q5_K", 256, 176),   row(14, "Q6_K", 256, 210),
    row(16, "IQ2_XXS", 256, 66), row(17, "IQ2_XS", 256, 74), row(18, "IQ3_XXS", 256, 98), row(19, "IQ1_S", 256, 50),
    row(20, "IQ4_NL", 32, 18),   row(21, "IQ3_S", 256, 110), row(22, "IQ2_S", 256, 82),   row(23, "IQ4_XS", 256, 136),
    row(24, "I8", 1, 1),         row(25, "I16", 1, 2),       row(26, "I32", 1, 4),        row(27, "I64", 1, 8),
    row(28, "F64", 1, 8),        row(29, "IQ1_M", 256, 56),  row(30, "BF16", 1, 2),       row(34, "TQ1_0", 256, 54),
    row(35, "TQ2_0", 256, 66),   row(39, "MXFP4", 32, 17),   row(40, "NVFP4", 64, 36),    row(41, "Q1_0", 128, 18),
};

struct ValueTypeInfo {
    std::string_view name;
    std::size_t size;
};

// Indexed by ValueType.
constexpr ValueTypeInfo kValueTypes[] = {{"u8", 1},  {"i8", 1},  {"u16", 2},  {"i16", 2},    {"u32", 4},
                                         {"i32", 4}, {"f32", 4}, {"bool", 1}, {"string", 0}, {"array", 0},
                                         {"u64", 8}, {"i64", 8}, {"f64", 8}};

const ValueTypeInfo* find_value_type(ValueType type) noexcept {
    const auto index = static_cast<std::uint32_t>(type);
    return index < std::size(kValueTypes) ? &kValueTypes[index] : nullptr;
}

}  // namespace

std::string_view name(ValueType type) noexcept {
    const ValueTypeInfo* info = find_value_type(type);
    return info != nullptr ? info->name : "unknown";
}

std::size_t scalar_size(ValueType type) noexcept {
    const ValueTypeInfo* info = find_value_type(type);
    return info != nullptr ? info->size : 0;
}

const TensorTypeInfo* find_type(TensorType type) noexcept {
    for (const TensorTypeInfo& info : kTypes) {
        if (info.type == type) return &info;
    }
    return nullptr;
}

const TensorTypeInfo* find_type(std::string_view name) noexcept {
    for (const TensorTypeInfo& info : kTypes) {
        if (info.name == name) return &info;
    }
    return nullptr;
}

}  // namespace linnet::gguf
