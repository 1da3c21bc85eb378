// SPDX-License-Identifier: MIT
// AVX-VNNI on top of AVX2: Intel's hybrid cores from Alder Lake (2021), which have no AVX-512; AMD from Zen 5 (2024).
// It brings the matmuls of quantised formats, the rest is AVX2's. Exports table_avxvnni only.
#define LINNET_ISA avxvnni
#include "kernels/simd/avxvnni.hpp"
#include "kernels/generic/table.inl"

namespace linnet::kernels {
extern const Table table_avxvnni;
constexpr Table table_avxvnni = avxvnni::make_dot_table<avxvnni::AvxVnni>("avxvnni");
}  // namespace linnet::kernels
