// SPDX-License-Identifier: MIT
// AVX2, FMA, F16C: Intel from Haswell (2013), AMD from Zen (2017). Exports table_avx2 only.
#define LINNET_ISA avx2
#include "kernels/simd/avx2.hpp"
#include "kernels/generic/table.inl"

namespace linnet::kernels {
extern const Table table_avx2;
constexpr Table table_avx2 = avx2::make_isa_table<avx2::Avx2>("avx2");
}  // namespace linnet::kernels
