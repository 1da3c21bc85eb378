// SPDX-License-Identifier: MIT
// The definition: plain C++ for whatever the target's baseline is. Exports table_scalar only.
#define LINNET_ISA scalar
#include "kernels/simd/scalar.hpp"
#include "kernels/generic/table.inl"

namespace linnet::kernels {
extern const Table table_scalar;
constexpr Table table_scalar = scalar::make_isa_table<scalar::Scalar>("scalar");
}  // namespace linnet::kernels
