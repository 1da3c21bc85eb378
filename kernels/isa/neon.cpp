// SPDX-License-Identifier: MIT
// NEON of Armv8.0: every AArch64 processor. Exports table_neon only.
#define LINNET_ISA neon
#include "kernels/simd/neon.hpp"
#include "kernels/generic/table.inl"

namespace linnet::kernels {
extern const Table table_neon;
constexpr Table table_neon = neon::make_isa_table<neon::Neon>("neon");
}  // namespace linnet::kernels
