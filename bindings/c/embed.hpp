// SPDX-License-Identifier: MIT
// What linnet_model_info says of the vectors that a model makes.
#pragma once

#include <cstdint>

#include "arch/arch_spec.hpp"

namespace linnet::c_api {

struct VectorInfo {
    std::uint32_t n_floats;  // of a vector, as the model's file pools
    std::int32_t pooling;    // LINNET_POOLING_*
};
VectorInfo vector_info(const arch::ModelSpec& spec) noexcept;

}  // namespace linnet::c_api
