// SPDX-License-Identifier: MIT
// Parts of multimodal models that stand in the text model's file and have no use here: the text runs without them.
#pragma once

#include <string_view>

#include "base/log.hpp"
#include "gguf/file.hpp"

namespace linnet {

// What the tensor belongs to: "vision tower", "audio tower", "projector of images and sound"; empty: the text model.
std::string_view tower_of(std::string_view tensor) noexcept;

// One line of information for each tower that the file holds.
void log_towers(const gguf::File& file, const Log& log);

}  // namespace linnet
