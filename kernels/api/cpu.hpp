// SPDX-License-Identifier: MIT
// What a CPU is, and which instruction set suits it when the host does not say: a function of the description alone.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/api/table.hpp"

namespace linnet::kernels {

struct Cpu {
    char vendor[13] = {};  // x86: twelve letters of CPUID; else empty
    std::uint32_t family = 0;
    std::uint32_t model = 0;
    // What it has and the operating system saves.
    bool avx2 = false;  // with FMA and F16C
    bool avxvnni = false;
    bool avx512vnni = false;  // with F, BW, DQ, VL
    bool neon_dotprod = false;
    bool neon_i8mm = false;

    std::string_view vendor_name() const noexcept { return vendor; }
};

Cpu this_cpu() noexcept;

struct IsaChoice {
    const char* isa;
    const char* reason;
};

// Among those that this library has.
IsaChoice choose_isa(const Cpu& cpu) noexcept;

// The choice first, then the others from the widest down to scalar.
IsaList available_isas(const Cpu& cpu) noexcept;

}  // namespace linnet::kernels
