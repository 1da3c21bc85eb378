// SPDX-License-Identifier: MIT
// Dates as text, in the C locale, whatever the host's locale is.
#pragma once

#include <string_view>

#include "chat/builtin.hpp"

namespace linnet::chat {

// "2025-03-09T15:04:05", a space instead of the T, or the date alone. Throws Error(invalid_argument).
Moment parse_moment(std::string_view text);

Value format_moment(Arena& arena, const Moment& moment, std::string_view format);

}  // namespace linnet::chat
