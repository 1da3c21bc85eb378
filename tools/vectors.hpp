// SPDX-License-Identifier: MIT
// Goldens of models that make vectors of texts: states of all tokens and the pooled one.
#pragma once

#include <span>
#include <string>

#include "model/model.hpp"
#include "tools/golden.hpp"

namespace tools {

// The file names a pooling, or positions see those behind them.
bool makes_vectors(const linnet::arch::ModelSpec& spec) noexcept;

void write_vectors(const linnet::Model& model, std::span<const linnet::Token> tokens, const std::string& path);

// Prints how far the model is from the golden; false when it is too far. name: of the golden, for messages.
bool verify_vectors(const linnet::Model& model, const Golden& golden, const std::string& name);

}  // namespace tools
