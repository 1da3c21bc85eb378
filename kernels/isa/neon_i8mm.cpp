// SPDX-License-Identifier: MIT
// FEAT_I8MM on top of FEAT_DotProd: Neoverse V1 and N2, Cortex-X2 and A710, Apple's M2 (2020 to 2022). It brings the
// matmuls of quantised formats, the rest is NEON's. Exports table_neon_i8mm only.
#define LINNET_ISA neon_i8mm
#include "kernels/simd/neon_i8mm.hpp"
#include "kernels/generic/table.inl"

namespace linnet::kernels {
extern const Table table_neon_i8mm;
constexpr Table table_neon_i8mm = neon_i8mm::make_dot_table<neon_i8mm::NeonI8mm>("neon_i8mm");
}  // namespace linnet::kernels
