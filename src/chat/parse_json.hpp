// SPDX-License-Identifier: MIT
// JSON text to values. Order is kept, a repeated key takes its last value, integers of any size stay exact.
#pragma once

#include <string_view>

#include "chat/value.hpp"

namespace linnet::chat {

// Throws Error(invalid_argument) with the position of what is wrong. `what` names the text in messages.
Value parse_json(Arena& arena, std::string_view text, std::string_view what);

}  // namespace linnet::chat
