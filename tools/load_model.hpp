// SPDX-License-Identifier: MIT
// A model for people at a terminal: the small one that comes with Linnet unless they name another, with a progress bar.
#pragma once

#include "tools/api.hpp"

namespace tools {

// Throws UsageError when none is named and the small one is not found.
linnet::Model load_model(const linnet::Engine& engine, const ModelOptions& options);

}  // namespace tools
