// SPDX-License-Identifier: MIT
// From a metadata value to the type that a caller wants: the only place which interprets a value's bytes.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"

namespace linnet::gguf {

// T: u32, i32, u64 (from any integer that fits), float (from f32 and f64), bool, std::string_view.
// Throws Error(bad_file) naming the key and both types, or the number that does not fit.
template <class T>
T get(const Value& value);

// T: i32, float, bool, std::string_view; elements convert as above, one that does not fit is named.
template <class T>
std::pmr::vector<T> get_array(const Value& value, std::pmr::memory_resource& memory);

}  // namespace linnet::gguf
