// SPDX-License-Identifier: MIT
// Python's two ways of filling in texts: "%s" % values and "{}".format(values).
#pragma once

#include <string_view>

#include "chat/builtin.hpp"

namespace linnet::chat {

Value format_percent(Runtime& runtime, const Value& format, const Value& values);
// "%s" % mapping, "%s" % tuple: what the format filter passes on.
Value format_braces(Runtime& runtime, const Value& format, const CallArguments& arguments);

}  // namespace linnet::chat
