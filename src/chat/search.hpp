// SPDX-License-Identifier: MIT
// Finding text in text in linear time, whatever the two are: templates may be written to make a search slow.
#pragma once

#include <cstddef>
#include <string_view>

namespace linnet::chat {

// As the members of std::string_view of the same names.
std::size_t find_text(std::string_view text, std::string_view wanted, std::size_t from = 0);
std::size_t rfind_text(std::string_view text, std::string_view wanted);

}  // namespace linnet::chat
