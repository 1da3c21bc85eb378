// SPDX-License-Identifier: MIT
#include "base/format.hpp"

namespace linnet {

std::size_t format_into(std::span<char> text, fmt::string_view format, fmt::format_args arguments) {
    return static_cast<std::size_t>(fmt::vformat_to_n(text.data(), text.size(), format, arguments).out - text.data());
}

std::string vformat_text(fmt::string_view format, fmt::format_args arguments) {
    return fmt::vformat(format, arguments);
}

}  // namespace linnet
