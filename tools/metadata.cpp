// SPDX-License-Identifier: MIT
#include "tools/metadata.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory_resource>
#include <string>

#include "base/error.hpp"
#include "gguf/values.hpp"

namespace tools {

namespace {

namespace gguf = linnet::gguf;
using Json = nlohmann::ordered_json;

template <class T>
T load(const std::byte* data) {
    T value;
    std::memcpy(&value, data, sizeof value);
    return value;
}

// The double that prints with a float's fewest digits (1e-06, not 9.999999974752427e-07). JSON has no NaN, no infinity.
Json shortest(float value) {
    return std::isfinite(value) ? Json(std::stod(fmt::format("{}", value))) : Json(fmt::format("{}", value));
}

Json scalar(gguf::ValueType type, const std::byte* data) {
    switch (type) {
        case gguf::ValueType::u8: return load<std::uint8_t>(data);
        case gguf::ValueType::i8: return load<std::int8_t>(data);
        case gguf::ValueType::u16: return load<std::uint16_t>(data);
        case gguf::ValueType::i16: return load<std::int16_t>(data);
        case gguf::ValueType::u32: return load<std::uint32_t>(data);
        case gguf::ValueType::i32: return load<std::int32_t>(data);
        case gguf::ValueType::f32: return shortest(load<float>(data));
        case gguf::ValueType::boolean: return load<std::uint8_t>(data) != 0;
        case gguf::ValueType::u64: return load<std::uint64_t>(data);
        case gguf::ValueType::i64: return load<std::int64_t>(data);
        case gguf::ValueType::f64: return load<double>(data);
        default: return nullptr;
    }
}

// The first n elements.
Json elements(const gguf::Value& value, std::size_t n) {
    Json list = Json::array();
    if (value.element_type == gguf::ValueType::string) {
        const auto texts = gguf::get_array<std::string_view>(value, *std::pmr::new_delete_resource());
        for (std::size_t i = 0; i < n; ++i) list.push_back(std::string(texts[i]));
    } else if (value.element_type != gguf::ValueType::array) {
        const std::size_t size = gguf::scalar_size(value.element_type);
        for (std::size_t i = 0; i < n; ++i) list.push_back(scalar(value.element_type, value.bytes.data() + i * size));
    }
    return list;
}

}  // namespace

nlohmann::ordered_json to_json(const gguf::Value& value, std::size_t max_elements) {
    if (value.type == gguf::ValueType::string) return std::string(gguf::get<std::string_view>(value));
    if (value.type != gguf::ValueType::array) return scalar(value.type, value.bytes.data());
    const bool whole = value.count <= max_elements && value.element_type != gguf::ValueType::array;
    Json list = elements(value, static_cast<std::size_t>(std::min<std::uint64_t>(value.count, max_elements)));
    if (whole) return list;
    return {{"type", std::string(gguf::name(value.element_type))}, {"count", value.count}, {"first", std::move(list)}};
}

}  // namespace tools
