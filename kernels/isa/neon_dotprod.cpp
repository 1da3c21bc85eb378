// SPDX-License-Identifier: MIT
// FEAT_DotProd on top of NEON: Arm's cores from Cortex-A55, A75 and Neoverse N1 (2017 to 2019), all of Apple's M
// series. It brings the matmuls of quantised formats, the rest is NEON's. Exports table_neon_dotprod only.
#define LINNET_ISA neon_dotprod
#include "kernels/simd/neon_dotprod.hpp"
#include "kernels/generic/table.inl"

namespace linnet::kernels {
extern const Table table_neon_dotprod;
constexpr Table table_neon_dotprod = neon_dotprod::make_dot_table<neon_dotprod::NeonDotprod>("neon_dotprod");
}  // namespace linnet::kernels
