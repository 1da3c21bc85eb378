// SPDX-License-Identifier: MIT
// AVX-512 F/BW/DQ/VL and VNNI: Intel from Cascade Lake and Ice Lake (2019), AMD from Zen 4 (2022). Exports
// table_avx512vnni only.
#if !defined(__clang__)
// GCC 12's own headers start "undefined" vectors from themselves and then warn of it in whatever they are inlined into.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#define LINNET_ISA avx512vnni
#include "kernels/generic/table.inl"
#include "kernels/simd/avx512.hpp"

namespace linnet::kernels {
extern const Table table_avx512vnni;
constexpr Table table_avx512vnni = avx512vnni::make_isa_table<avx512vnni::Avx512>("avx512vnni");
}  // namespace linnet::kernels
