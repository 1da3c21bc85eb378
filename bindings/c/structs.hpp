// SPDX-License-Identifier: MIT
// Sized structs. A caller's struct may be shorter than ours (older header: the missing fields count as zero) or longer
// (newer header: accepted when the part unknown here is zero). Rules for whoever changes one: docs/abi.md.
#pragma once

#include <cstddef>
#include <cstring>

#include "bindings/c/guard.hpp"

namespace linnet::c_api {

// No struct of this API comes near it: a larger struct_size is a field that was never set.
inline constexpr std::uint32_t kMaxStructSize = 4096;

// For each sized struct its name and its smallest acceptable struct_size: that of the fields without which the first
// version makes no sense. Never raised.
template <class T>
inline constexpr const char* kStructName = nullptr;
template <class T>
inline constexpr std::uint32_t kLeastSize = 8;

#define LINNET_STRUCT(type) \
    template <>             \
    inline constexpr const char* kStructName<type> = #type
LINNET_STRUCT(linnet_engine_options);
LINNET_STRUCT(linnet_engine_info);
LINNET_STRUCT(linnet_source);
LINNET_STRUCT(linnet_model_options);
LINNET_STRUCT(linnet_model_info);
LINNET_STRUCT(linnet_session_options);
LINNET_STRUCT(linnet_memory_plan);
LINNET_STRUCT(linnet_sampler_options);
LINNET_STRUCT(linnet_event);
LINNET_STRUCT(linnet_chat_options);
LINNET_STRUCT(linnet_reply_options);
LINNET_STRUCT(linnet_reply_event);
LINNET_STRUCT(linnet_embed_options);
LINNET_STRUCT(linnet_tool_options);
#undef LINNET_STRUCT
template <>
inline constexpr std::uint32_t kLeastSize<linnet_source> = offsetof(linnet_source, user) + sizeof(void*);
template <>
inline constexpr std::uint32_t kLeastSize<linnet_event> = offsetof(linnet_event, n_pending) + 4;

template <class T>
void require_size(std::uint32_t struct_size) {
    require(struct_size >= kLeastSize<T>, "{}: struct_size is {}, less than {}", kStructName<T>, struct_size,
            kLeastSize<T>);
    require(struct_size <= kMaxStructSize && struct_size % 4 == 0, "{}: struct_size {} is no size of this struct",
            kStructName<T>, struct_size);
}

// What the caller's struct says, in our shape.
template <class T>
T read_struct(const T* given) {
    require_size<T>(given->struct_size);
    const auto* bytes = reinterpret_cast<const std::byte*>(given);
    for (std::size_t i = sizeof(T); i < given->struct_size; ++i) {
        require(bytes[i] == std::byte{0}, "{}: a field that this version does not know is set (byte {})",
                kStructName<T>, i);
    }
    T known{};
    std::memcpy(&known, given, given->struct_size < sizeof(T) ? given->struct_size : sizeof(T));
    return known;
}

// Option structs may be left out: all defaults.
template <class T>
T read_options(const T* given) {
    return given == nullptr ? T{} : read_struct(given);
}

// Checks an output struct before work is done for it.
template <class T>
void require_output(const T* target, const char* argument) {
    require_pointer(target, argument);
    require_size<T>(target->struct_size);
}

// Writes what the caller's struct has room for; its struct_size stays.
template <class T>
void write_struct(T* target, T value) noexcept {
    value.struct_size = target->struct_size;
    std::memcpy(target, &value, value.struct_size < sizeof(T) ? value.struct_size : sizeof(T));
}

// All zero but the size: `struct_size` is the caller's sizeof, which may be larger than ours.
template <class T>
void init_struct(T* target, std::uint32_t struct_size) noexcept {
    if (target == nullptr || struct_size < sizeof target->struct_size) return;
    std::memset(target, 0, struct_size);
    target->struct_size = struct_size;
}

}  // namespace linnet::c_api
