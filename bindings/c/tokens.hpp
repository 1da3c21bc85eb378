// SPDX-License-Identifier: MIT
// LINNET_TOKENIZE_* flags as the tokeniser takes them.
#pragma once

#include "tokenizer/tokenizer.hpp"

namespace linnet::c_api {

// Throws Error(invalid_argument) for unknown bits.
TokenizeOptions tokenize_options(std::uint32_t flags);

}  // namespace linnet::c_api
