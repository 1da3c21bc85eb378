// SPDX-License-Identifier: MIT
// The list of formats, and the choice of instruction set: from what the CPU reports (and the operating system saves),
// or by name.
#include "kernels/api/table.hpp"

#define LINNET_ISA registry
#include "linnet_format_includes.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace linnet::kernels {

#define LINNET_ISA_TABLE(isa) extern const Table table_##isa;
#include "linnet_isa_list.hpp"
#undef LINNET_ISA_TABLE

namespace {

template <class F>
constexpr FormatInfo make_info(Format format, const char* name) {
    return {format,
            name,
            F::kGgufType,
            static_cast<std::uint32_t>(F::kBlock),
            static_cast<std::uint32_t>(sizeof(typename F::Block)),
            F::kBlock == 1 ? Activations::f32 : Activations::q8};
}

constexpr FormatInfo kInfos[] = {
#define LINNET_FORMAT(id) make_info<registry::id>(Format::id, #id),
#include "linnet_format_list.hpp"
#undef LINNET_FORMAT
};

struct CpuFeatures {
    bool avx2 = false;  // with FMA and F16C
    bool avxvnni = false;
    bool avx512vnni = false;  // with F, BW, DQ, VL
    bool neon_dotprod = false;
    bool neon_i8mm = false;
};

#if defined(__x86_64__)
CpuFeatures cpu_features() noexcept {
    CpuFeatures features;
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return features;
    const bool fma = (c & bit_FMA) != 0 && (c & bit_F16C) != 0;
    unsigned xcr0 = 0;
    unsigned xcr0_high = 0;
    __asm__("xgetbv" : "=a"(xcr0), "=d"(xcr0_high) : "c"(0));
    const bool os_avx = (xcr0 & 0x06) == 0x06;     // xmm, ymm
    const bool os_avx512 = (xcr0 & 0xe6) == 0xe6;  // and mask registers, zmm
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return features;
    constexpr unsigned kAvx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    features.avx2 = os_avx && fma && (b & bit_AVX2) != 0;
    features.avx512vnni = features.avx2 && os_avx512 && (b & kAvx512) == kAvx512 && (c & bit_AVX512VNNI) != 0;
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) features.avxvnni = features.avx2 && (a & (1U << 4)) != 0;
    return features;
}
#elif defined(__aarch64__) && defined(__linux__)
CpuFeatures cpu_features() noexcept {
    CpuFeatures features;
    features.neon_dotprod = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
    features.neon_i8mm = features.neon_dotprod && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
    return features;
}
#else
CpuFeatures cpu_features() noexcept { return {}; }
#endif

// Ascending: a table's holes are filled by the sets before it that are supported, scalar last.
struct Isa {
    const Table* table;
    bool CpuFeatures::*needs;  // null: always supported
};
constexpr Isa kIsas[] = {
    {&table_scalar, nullptr},
#if LINNET_HAVE_AVX2
    {&table_avx2, &CpuFeatures::avx2},
#endif
#if LINNET_HAVE_AVXVNNI
    {&table_avxvnni, &CpuFeatures::avxvnni},
#endif
#if LINNET_HAVE_AVX512VNNI
    {&table_avx512vnni, &CpuFeatures::avx512vnni},
#endif
#if LINNET_HAVE_NEON
    {&table_neon, nullptr},
#endif
#if LINNET_HAVE_NEON_DOTPROD
    {&table_neon_dotprod, &CpuFeatures::neon_dotprod},
#endif
#if LINNET_HAVE_NEON_I8MM
    {&table_neon_i8mm, &CpuFeatures::neon_i8mm},
#endif
};

bool supported(const Isa& isa, const CpuFeatures& features) noexcept {
    return isa.needs == nullptr || features.*isa.needs;
}

template <class Function>
void overlay(Slot<Function>& to, const Slot<Function>& from) noexcept {
    if (from.fn != nullptr) to = from;
}

template <class Function, std::size_t n>
void overlay(Slot<Function> (&to)[n], const Slot<Function> (&from)[n]) noexcept {
    for (std::size_t i = 0; i < n; ++i) overlay(to[i], from[i]);
}

void overlay(Table& to, const Table& from) noexcept {
    to.isa = from.isa;
    overlay(to.matmul, from.matmul);
    overlay(to.pack, from.pack);
    overlay(to.read_row, from.read_row);
    overlay(to.decode, from.decode);
    overlay(to.pack_q8, from.pack_q8);
    overlay(to.pack_f32, from.pack_f32);
    overlay(to.rms_norm, from.rms_norm);
    overlay(to.layer_norm, from.layer_norm);
    overlay(to.add, from.add);
    overlay(to.scale, from.scale);
    overlay(to.silu_mul, from.silu_mul);
    overlay(to.gelu_tanh_mul, from.gelu_tanh_mul);
    overlay(to.softcap, from.softcap);
    overlay(to.rope_neox, from.rope_neox);
    overlay(to.rope_interleaved, from.rope_interleaved);
    overlay(to.store_kv, from.store_kv);
    overlay(to.attention, from.attention);
    overlay(to.merge_attention, from.merge_attention);
    overlay(to.finish_attention, from.finish_attention);
}

}  // namespace

const FormatInfo& info(Format format) noexcept { return kInfos[static_cast<std::size_t>(format)]; }

const FormatInfo* find_format(std::uint32_t gguf_type) noexcept {
    for (const FormatInfo& f : kInfos) {
        if (f.gguf_type == gguf_type) return &f;
    }
    return nullptr;
}

IsaList available_isas() noexcept {
    const CpuFeatures features = cpu_features();
    IsaList list{};
    for (std::size_t i = std::size(kIsas); i-- > 0;) {
        if (supported(kIsas[i], features)) list.names[list.n++] = kIsas[i].table->isa;
    }
    return list;
}

bool make_table(std::string_view name, Table& table) noexcept {
    const CpuFeatures features = cpu_features();
    Table made;
    bool found = false;
    for (const Isa& isa : kIsas) {
        if (!supported(isa, features)) continue;
        overlay(made, *isa.table);
        found = name.empty() || name == isa.table->isa;
        if (found && !name.empty()) break;
    }
    if (found) table = made;
    return found;
}

}  // namespace linnet::kernels
