// SPDX-License-Identifier: MIT
// The command line's options as those of linnet.h. The commands run and plan reach the library as any host does.
#pragma once

#include "include/linnet.hpp"
#include "tools/options.hpp"

namespace tools {

inline linnet::EngineOptions engine_options(const EngineOptions& options) {
    linnet::EngineOptions result;
    result.n_threads = options.n_threads;
    result.isa = options.isa.empty() ? nullptr : options.isa.c_str();
    return result;
}

inline linnet::ModelOptions model_options(const ModelOptions& options) {
    linnet::ModelOptions result;
    result.weights = options.mapped ? LINNET_WEIGHTS_MAPPED : LINNET_WEIGHTS_PACKED;
    return result;
}

inline linnet::SessionOptions session_options(const SessionOptions& options) {
    linnet::SessionOptions result;
    result.n_ctx = options.n_ctx;
    result.kv_type = static_cast<std::int32_t>(kv_type(options.kv));
    return result;
}

}  // namespace tools
