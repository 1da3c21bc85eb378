// SPDX-License-Identifier: MIT
#include "bindings/c/metadata.hpp"

#include <cmath>
#include <iterator>

#include "gguf/cursor.hpp"

namespace linnet::c_api {

namespace {

using gguf::ValueType;

constexpr std::size_t kMaxElements = 1000;
constexpr std::size_t kMaxDepth = 64;  // the reader of headers allows fewer

template <class T>
void append_number(const std::byte* bytes, std::pmr::string& text) {
    text += format_text("{}", +gguf::load<T>(bytes));  // +: a byte is a number
}

void append_scalar(ValueType type, const std::byte* bytes, std::pmr::string& text) {
    switch (type) {
        case ValueType::u8: return append_number<std::uint8_t>(bytes, text);
        case ValueType::i8: return append_number<std::int8_t>(bytes, text);
        case ValueType::u16: return append_number<std::uint16_t>(bytes, text);
        case ValueType::i16: return append_number<std::int16_t>(bytes, text);
        case ValueType::u32: return append_number<std::uint32_t>(bytes, text);
        case ValueType::i32: return append_number<std::int32_t>(bytes, text);
        case ValueType::u64: return append_number<std::uint64_t>(bytes, text);
        case ValueType::i64: return append_number<std::int64_t>(bytes, text);
        case ValueType::f32: return append_number<float>(bytes, text);
        case ValueType::f64: return append_number<double>(bytes, text);
        case ValueType::boolean: text += bytes[0] == std::byte{0} ? "false" : "true"; return;
        case ValueType::string:
        case ValueType::array: return;  // not scalars
    }
}

void append_json_string(std::string_view value, std::pmr::string& text) {
    text += '"';
    for (const char c : value) {
        if (c == '"' || c == '\\') text += '\\';
        if (static_cast<unsigned char>(c) < 0x20) {
            text += format_text("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            text += c;
        }
    }
    text += '"';
}

// JSON knows no NaN and no infinity.
bool is_json_number(ValueType type, const std::byte* bytes) {
    if (type == ValueType::f32) return std::isfinite(gguf::load<float>(bytes));
    if (type == ValueType::f64) return std::isfinite(gguf::load<double>(bytes));
    return true;
}

void append_array(const gguf::Value& value, std::pmr::string& text) {
    struct Level {
        ValueType type;
        std::uint64_t left;
    };
    Level levels[kMaxDepth];
    std::size_t depth = 0;
    std::size_t n_elements = 0;
    gguf::Cursor cursor(value.bytes, value.bytes.size());
    levels[depth++] = {value.element_type, value.count};
    text += '[';
    bool first = true;
    while (depth > 0) {
        Level& level = levels[depth - 1];
        if (level.left == 0) {
            text += ']';
            --depth;
            first = false;
            continue;
        }
        if (!first) text += ',';
        first = false;
        if (n_elements++ == kMaxElements || (level.type == ValueType::array && depth == kMaxDepth)) {
            text += "\"...\"";
            text.append(depth, ']');
            return;
        }
        --level.left;
        if (level.type == ValueType::string) {
            append_json_string(cursor.string(), text);
        } else if (level.type == ValueType::array) {
            const auto type = static_cast<ValueType>(cursor.read<std::uint32_t>());
            const auto count = cursor.read<std::uint64_t>();
            levels[depth++] = {type, count};
            text += '[';
            first = true;
        } else {
            const std::byte* bytes = cursor.take(gguf::scalar_size(level.type)).data();
            if (is_json_number(level.type, bytes)) {
                append_scalar(level.type, bytes, text);
            } else {
                text += "null";
            }
        }
    }
}

}  // namespace

void append_value(const gguf::Value& value, std::pmr::string& text) {
    if (value.type == ValueType::string) {
        text.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
    } else if (value.type == ValueType::array) {
        append_array(value, text);
    } else {
        append_scalar(value.type, value.bytes.data(), text);
    }
}

}  // namespace linnet::c_api
