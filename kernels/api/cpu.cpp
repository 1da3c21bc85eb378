// SPDX-License-Identifier: MIT
#include "kernels/api/cpu.hpp"

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstring>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace linnet::kernels {

#if defined(__x86_64__)

Cpu this_cpu() noexcept {
    Cpu cpu;
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid(0, &a, &b, &c, &d) == 0) return cpu;
    const unsigned vendor[] = {b, d, c};
    std::memcpy(cpu.vendor, vendor, sizeof vendor);
    if (__get_cpuid(1, &a, &b, &c, &d) == 0) return cpu;
    // Intel's manual, CPUID leaf 1: the extended parts count for families 6 and 15.
    const unsigned family = (a >> 8) & 0xf;
    cpu.family = family == 0xf ? family + ((a >> 20) & 0xff) : family;
    cpu.model = ((a >> 4) & 0xf) | (family == 0x6 || family == 0xf ? (a >> 12) & 0xf0 : 0);
    if ((c & bit_OSXSAVE) == 0) return cpu;
    const bool fma = (c & bit_FMA) != 0 && (c & bit_F16C) != 0;
    unsigned xcr0 = 0;
    unsigned xcr0_high = 0;
    __asm__("xgetbv" : "=a"(xcr0), "=d"(xcr0_high) : "c"(0));
    const bool os_avx = (xcr0 & 0x06) == 0x06;     // xmm, ymm
    const bool os_avx512 = (xcr0 & 0xe6) == 0xe6;  // and mask registers, zmm
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return cpu;
    constexpr unsigned kAvx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    cpu.avx2 = os_avx && fma && (b & bit_AVX2) != 0;
    cpu.avx512vnni = cpu.avx2 && os_avx512 && (b & kAvx512) == kAvx512 && (c & bit_AVX512VNNI) != 0;
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) cpu.avxvnni = cpu.avx2 && (a & (1U << 4)) != 0;
    return cpu;
}

#elif defined(__aarch64__) && defined(__linux__)

Cpu this_cpu() noexcept {
    Cpu cpu;
    cpu.neon_dotprod = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
    cpu.neon_i8mm = cpu.neon_dotprod && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
    return cpu;
}

#else

Cpu this_cpu() noexcept { return {}; }

#endif

}  // namespace linnet::kernels
