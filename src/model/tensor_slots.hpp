// SPDX-License-Identifier: MIT
// The vocabulary of arch/ in terms of files: what tensors are called, and how far their axes reach. Internal to model/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "arch/arch_spec.hpp"

namespace linnet {

// Whether files have one for each layer.
bool per_layer(arch::Role role);

// own: what the architecture calls it, where that is not the role's usual name.
std::string tensor_name(arch::Role role, std::size_t layer, std::string_view own = {});

// How early converters spelled it: a tensor for each expert.
std::string expert_name(arch::Role role, std::size_t layer, std::size_t expert);

std::uint64_t extent(const arch::ModelSpec& spec, std::size_t layer, arch::Dim dim);
// Whether both axes have one.
bool has_extent(const arch::ModelSpec& spec, const arch::TensorSlot& slot, std::size_t layer);

// Whether a tensor with rows of this kind is taken as vectors of floats.
bool is_vector(arch::Dim n_out);

}  // namespace linnet
