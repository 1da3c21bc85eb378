// SPDX-License-Identifier: MIT
// Parts that stand in a text model's file and have no use here, towers of multimodal models and layers that guess
// tokens ahead: the text runs without them.
#pragma once

#include <string_view>

#include "arch/arch_spec.hpp"
#include "base/log.hpp"

namespace linnet {

// What the tensor belongs to: "vision tower", "audio tower", "projector of images and sound", "prediction of further
// tokens"; empty: the text model.
std::string_view unused_part(std::string_view tensor, const arch::ModelSpec& spec) noexcept;

// One line of information for each such part that the file holds.
void log_unused_parts(const gguf::File& file, const arch::ModelSpec& spec, const Log& log);

}  // namespace linnet
