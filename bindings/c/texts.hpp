// SPDX-License-Identifier: MIT
// Giving text to a caller's buffer: the size is always told, and a buffer which is too small stays untouched.
#pragma once

#include <cstring>
#include <string_view>
#include <vector>

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

// An array of texts as views.
inline std::vector<std::string_view> views(const linnet_text* texts, std::size_t n, const char* argument) {
    require_array(texts, n, sizeof *texts, argument);
    require(n <= 65'536, "{} has {} texts, more than 65536", argument, n);
    std::vector<std::string_view> result;
    for (std::size_t i = 0; i < n; ++i) {
        require(texts[i].data != nullptr || texts[i].size == 0, "{}[{}] is null", argument, i);
        require(texts[i].size <= PTRDIFF_MAX, "{}[{}] is larger than any object", argument, i);
        result.emplace_back(texts[i].data == nullptr ? "" : texts[i].data, texts[i].size);
    }
    return result;
}

}  // namespace linnet::c_api
