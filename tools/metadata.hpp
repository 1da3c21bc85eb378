// SPDX-License-Identifier: MIT
// GGUF metadata values as JSON, for printing.
#pragma once

#include <nlohmann/json.hpp>

#include "gguf/file.hpp"

namespace tools {

// Strings, numbers and booleans as they are; arrays of at most max_elements too, longer and nested ones as an object
// {"type", "count", "first"}. Strings may hold invalid UTF-8: dump with an error handler.
nlohmann::ordered_json to_json(const linnet::gguf::Value& value, std::size_t max_elements);

}  // namespace tools
