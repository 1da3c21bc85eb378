// SPDX-License-Identifier: MIT
// Giving text to a caller's buffer: the size is always told, and a buffer which is too small stays untouched.
#pragma once

#include <cstring>
#include <string_view>

#include "bindings/c/guard.hpp"

namespace linnet::c_api {

enum class Terminated : bool { no, yes };

inline void give_text(std::string_view text, Terminated terminated, char* buffer, std::size_t capacity,
                      std::size_t* size) {
    *size = text.size();
    const std::size_t needed = text.size() + (terminated == Terminated::yes ? 1 : 0);
    if (capacity < needed) {
        throw Error(Status::buffer_too_small, "the buffer holds {} bytes, {} are needed", capacity, needed);
    }
    if (!text.empty()) std::memcpy(buffer, text.data(), text.size());
    if (terminated == Terminated::yes) buffer[text.size()] = '\0';
}

// Checks the arguments that every such function has.
inline void require_buffer(const char* buffer, std::size_t capacity, std::size_t* size) {
    require_pointer(size, "size");
    *size = 0;
    require_array(buffer, capacity, 1, "buffer");
}

}  // namespace linnet::c_api
