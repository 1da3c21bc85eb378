// SPDX-License-Identifier: MIT
// The tokens with which a model was trained to fill in the middle of a text.
#pragma once

#include "base/memory.hpp"
#include "gguf/file.hpp"
#include "tokenizer/tokenizer.hpp"

namespace linnet {

// Written as: prefix token, text before, suffix token, text behind, middle token; then the model writes the middle.
struct FillIn {
    Token prefix = kNoToken;
    Token suffix = kNoToken;
    Token middle = kNoToken;
};

// From the metadata, else by names that families of models give them. Throws Error(unsupported) when there are none.
FillIn find_fill_in(const gguf::File& file, const Tokenizer& tokenizer, Memory& memory);

}  // namespace linnet
