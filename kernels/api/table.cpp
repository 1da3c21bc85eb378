// SPDX-License-Identifier: MIT
// The list of formats, and the choice of instruction set: from what the CPU reports (and the operating system saves),
// or by name.
#include "kernels/api/table.hpp"

#include "kernels/api/cpu.hpp"
#include "kernels/api/slots.hpp"

#define LINNET_ISA registry
#include "linnet_format_includes.hpp"

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

// Ascending: a table's holes are filled by the sets before it that are supported, scalar last.
struct Isa {
    const Table* table;
    bool Cpu::*needs;  // null: always supported
};
constexpr Isa kIsas[] = {
    {&table_scalar, nullptr},
#if LINNET_HAVE_AVX2
    {&table_avx2, &Cpu::avx2},
#endif
#if LINNET_HAVE_AVXVNNI
    {&table_avxvnni, &Cpu::avxvnni},
#endif
#if LINNET_HAVE_AVX512VNNI
    {&table_avx512vnni, &Cpu::avx512vnni},
#endif
#if LINNET_HAVE_NEON
    {&table_neon, nullptr},
#endif
#if LINNET_HAVE_NEON_DOTPROD
    {&table_neon_dotprod, &Cpu::neon_dotprod},
#endif
#if LINNET_HAVE_NEON_I8MM
    {&table_neon_i8mm, &Cpu::neon_i8mm},
#endif
};

bool supported(const Isa& isa, const Cpu& cpu) noexcept { return isa.needs == nullptr || cpu.*isa.needs; }

// Cores that have both VNNI instruction sets and for which 512 bits are no gain: such an operation takes the place of
// two of 256 bits. Where only AVX-512 has VNNI (Zen 4, Ice Lake ...) it stays the best for its dot products.
// Models are numbered as in LLVM's Host.cpp.
struct NarrowCore {
    std::string_view vendor;
    std::uint32_t family;
    std::uint32_t first_model;
    std::uint32_t last_model;
    const char* reason;
};
constexpr NarrowCore kNarrowCores[] = {
    // Zen 5 with the vector units of Zen 4 (chipsandcheese.com, 2024-08-10, on the Ryzen AI 9 HX 370), on which dot
    // products of 512 bits were measured 10 % slower than those of 256 (ik_llama.cpp, pull requests 610 and 612).
    {"AuthenticAMD", 26, 0x20, 0x2f, "Strix Point splits 512-bit operations into two"},
    // Ports 0 and 1 join for 512 bits: two multiply-adds of 256 bits a cycle, one of 512 (instruction latencies in
    // github.com/OpenMathLib/OpenBLAS/issues/3490); a wide one may also lower the clock (reviews.llvm.org/D67259).
    {"GenuineIntel", 6, 0x97, 0x97, "Alder Lake joins two 256-bit units for a 512-bit operation"},
    {"GenuineIntel", 6, 0x9a, 0x9a, "Alder Lake joins two 256-bit units for a 512-bit operation"},
};

const NarrowCore* find_narrow(const Cpu& cpu) noexcept {
    for (const NarrowCore& core : kNarrowCores) {
        if (core.vendor == cpu.vendor_name() && core.family == cpu.family && core.first_model <= cpu.model &&
            cpu.model <= core.last_model) {
            return &core;
        }
    }
    return nullptr;
}

void overlay(Table& to, const Table& from) noexcept {
    to.isa = from.isa;
    for_each_slot(
        [](const char*, const char*, auto& slot, const auto& over) {
            if (over.fn != nullptr) slot = over;
        },
        to, from);
}

}  // namespace

const FormatInfo& info(Format format) noexcept { return kInfos[static_cast<std::size_t>(format)]; }

const FormatInfo* find_format(std::uint32_t gguf_type) noexcept {
    for (const FormatInfo& f : kInfos) {
        if (f.gguf_type == gguf_type) return &f;
    }
    return nullptr;
}

IsaChoice choose_isa(const Cpu& cpu) noexcept {
    const NarrowCore* narrow = cpu.avxvnni ? find_narrow(cpu) : nullptr;
    IsaChoice choice{};
    for (const Isa& isa : kIsas) {
        if (!supported(isa, cpu)) continue;
        if (isa.needs == &Cpu::avx512vnni && narrow != nullptr) {
            choice.reason = narrow->reason;
        } else {
            choice = {isa.table->isa, "the best that this library has for what this CPU has"};
        }
    }
    return choice;
}

IsaList available_isas(const Cpu& cpu) noexcept {
    IsaList list{};
    list.names[list.n++] = choose_isa(cpu).isa;
    for (std::size_t i = std::size(kIsas); i-- > 0;) {
        const char* name = kIsas[i].table->isa;
        if (supported(kIsas[i], cpu) && name != list.names[0]) list.names[list.n++] = name;
    }
    return list;
}

IsaList available_isas() noexcept { return available_isas(this_cpu()); }

bool make_table(std::string_view name, Table& table) noexcept {
    const Cpu cpu = this_cpu();
    const std::string_view wanted = name.empty() ? choose_isa(cpu).isa : name;
    Table made;
    for (const Isa& isa : kIsas) {
        if (!supported(isa, cpu)) continue;
        overlay(made, *isa.table);
        if (wanted != isa.table->isa) continue;
        table = made;
        return true;
    }
    return false;
}

}  // namespace linnet::kernels
