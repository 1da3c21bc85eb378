// SPDX-License-Identifier: MIT
#include "gguf/values.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "base/error.hpp"
#include "gguf/cursor.hpp"

namespace linnet::gguf {

namespace {

template <class T>
constexpr std::string_view kName = "";
template <>
constexpr std::string_view kName<std::uint32_t> = "u32";
template <>
constexpr std::string_view kName<std::int32_t> = "i32";
template <>
constexpr std::string_view kName<std::uint64_t> = "u64";
template <>
constexpr std::string_view kName<float> = "f32";
template <>
constexpr std::string_view kName<bool> = "bool";
template <>
constexpr std::string_view kName<std::string_view> = "string";

std::string described(const Value& value) {
    if (value.type != ValueType::array) return std::string(name(value.type));
    return format_text("{} array", name(value.element_type));
}

template <class T>
constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <class T>
bool converts(ValueType type) noexcept {
    switch (type) {
        case ValueType::boolean: return std::is_same_v<T, bool>;
        case ValueType::string: return std::is_same_v<T, std::string_view>;
        case ValueType::f32:
        case ValueType::f64: return std::is_same_v<T, float>;
        case ValueType::array: return false;
        default: return kIsInteger<T>;
    }
}

// One number as T; `what()` gives the beginning of the message when it does not fit. converts<T>(From) holds.
template <class T, class From, class What>
T convert(const std::byte* data, const What& what) {
    const auto number = load<From>(data);
    if constexpr (kIsInteger<T> && std::is_integral_v<From>) {
        if (std::in_range<T>(number)) return static_cast<T>(number);
        throw Error(Status::bad_file, "{} is {}, which does not fit {}", what(), number, kName<T>);
    } else if constexpr (std::is_same_v<T, float> && std::is_floating_point_v<From>) {
        // Infinities and NaN pass: whoever asks for the value knows its range.
        if (!std::isfinite(number) || std::abs(number) <= std::numeric_limits<float>::max()) {
            return static_cast<float>(number);
        }
        throw Error(Status::bad_file, "{} is {}, which does not fit {}", what(), number, kName<T>);
    } else {
        return T{};
    }
}

template <class T, class What>
T scalar(ValueType type, const std::byte* data, const What& what) {
    switch (type) {
        case ValueType::u8: return convert<T, std::uint8_t>(data, what);
        case ValueType::i8: return convert<T, std::int8_t>(data, what);
        case ValueType::u16: return convert<T, std::uint16_t>(data, what);
        case ValueType::i16: return convert<T, std::int16_t>(data, what);
        case ValueType::u32: return convert<T, std::uint32_t>(data, what);
        case ValueType::i32: return convert<T, std::int32_t>(data, what);
        case ValueType::u64: return convert<T, std::uint64_t>(data, what);
        case ValueType::i64: return convert<T, std::int64_t>(data, what);
        case ValueType::f32: return convert<T, float>(data, what);
        case ValueType::f64: return convert<T, double>(data, what);
        default: return static_cast<T>(*data != std::byte{0});  // bool
    }
}

}  // namespace

template <class T>
T get(const Value& value) {
    const auto what = [&] { return std::string(Label("key", value.key).view()); };
    if (!converts<T>(value.type)) {
        throw Error(Status::bad_file, "{} is {}, expected {}", what(), described(value), kName<T>);
    }
    if constexpr (std::is_same_v<T, std::string_view>) {
        return {reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()};
    } else {
        return scalar<T>(value.type, value.bytes.data(), what);
    }
}

template <class T>
std::pmr::vector<T> get_array(const Value& value, std::pmr::memory_resource& memory) {
    if (value.type != ValueType::array || !converts<T>(value.element_type)) {
        throw Error(Status::bad_file, "{} is {}, expected {} array", Label("key", value.key).view(), described(value),
                    kName<T>);
    }
    std::pmr::vector<T> result(&memory);
    result.reserve(static_cast<std::size_t>(value.count));
    if constexpr (std::is_same_v<T, std::string_view>) {
        Cursor cursor(value.bytes, value.bytes.size());
        for (std::uint64_t i = 0; i < value.count; ++i) result.push_back(cursor.string());
    } else {
        std::uint64_t i = 0;
        const auto what = [&] { return format_text("{}, element {},", Label("key", value.key).view(), i); };
        const std::size_t size = scalar_size(value.element_type);
        for (; i < value.count; ++i)
            result.push_back(scalar<T>(value.element_type, value.bytes.data() + i * size, what));
    }
    return result;
}

template std::uint32_t get(const Value&);
template std::int32_t get(const Value&);
template std::uint64_t get(const Value&);
template float get(const Value&);
template bool get(const Value&);
template std::string_view get(const Value&);
template std::pmr::vector<std::int32_t> get_array(const Value&, std::pmr::memory_resource&);
template std::pmr::vector<float> get_array(const Value&, std::pmr::memory_resource&);
template std::pmr::vector<bool> get_array(const Value&, std::pmr::memory_resource&);
template std::pmr::vector<std::string_view> get_array(const Value&, std::pmr::memory_resource&);

}  // namespace linnet::gguf
