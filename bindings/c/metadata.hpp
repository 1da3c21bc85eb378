// SPDX-License-Identifier: MIT
// A metadata value as text, for linnet_model_get_metadata.
#pragma once

#include <memory_resource>
#include <string>

#include "gguf/file.hpp"

namespace linnet::c_api {

// Strings as they are, numbers in decimal (floats: the shortest text that reads back equal), booleans "true"/"false",
// arrays as JSON: after 1,000 elements, counted over all nesting, the string "..." stands for the rest.
void append_value(const gguf::Value& value, std::pmr::string& text);

}  // namespace linnet::c_api
