// SPDX-License-Identifier: MIT
// The choice of an instruction set, on descriptions of CPUs: vendors' families and models are as LLVM's Host.cpp and
// the vendors' manuals number them.
#include "kernels/api/cpu.hpp"

#include <algorithm>
#include <string>

#include "kernels/support.hpp"

using linnet::kernels::choose_isa;
using linnet::kernels::Cpu;

namespace {

enum Features : unsigned { none = 0, avx2 = 1, avxvnni = 2, avx512vnni = 4 };

Cpu cpu(std::string_view vendor, std::uint32_t family, std::uint32_t model, unsigned features) {
    Cpu made;
    vendor.copy(made.vendor, sizeof made.vendor - 1);
    made.family = family;
    made.model = model;
    made.avx2 = (features & avx2) != 0;
    made.avxvnni = (features & avxvnni) != 0;
    made.avx512vnni = (features & avx512vnni) != 0;
    return made;
}

bool has(const char* isa) {
    const auto compiled = kernel_test::compiled_isas();
    return std::find(compiled.begin(), compiled.end(), isa) != compiled.end();
}

}  // namespace

TEST_CASE("choice: 512 bits where they are a gain, AVX-VNNI where they are not") {
    if (!has("avx512vnni") || !has("avxvnni") || !has("avx2")) {
        MESSAGE("skipped: this build lacks x86 kernels");
        return;
    }
    constexpr unsigned kAll = avx2 | avxvnni | avx512vnni;
    const struct {
        std::string what;
        Cpu cpu;
        std::string_view isa;
    } cases[] = {
        {"Zen 5 server", cpu("AuthenticAMD", 26, 0x02, kAll), "avx512vnni"},
        {"Zen 5 desktop", cpu("AuthenticAMD", 26, 0x44, kAll), "avx512vnni"},
        {"Strix Point", cpu("AuthenticAMD", 26, 0x24, kAll), "avxvnni"},
        {"first of its models", cpu("AuthenticAMD", 26, 0x20, kAll), "avxvnni"},
        {"last of its models", cpu("AuthenticAMD", 26, 0x2f, kAll), "avxvnni"},
        {"before them", cpu("AuthenticAMD", 26, 0x1f, kAll), "avx512vnni"},
        {"behind them", cpu("AuthenticAMD", 26, 0x30, kAll), "avx512vnni"},
        {"Zen 4 has no AVX-VNNI", cpu("AuthenticAMD", 25, 0x61, avx2 | avx512vnni), "avx512vnni"},
        {"Strix Point, AVX-VNNI masked out", cpu("AuthenticAMD", 26, 0x24, avx2 | avx512vnni), "avx512vnni"},
        {"Strix Point, AVX-512 masked out", cpu("AuthenticAMD", 26, 0x24, avx2 | avxvnni), "avxvnni"},
        {"Alder Lake with AVX-512", cpu("GenuineIntel", 6, 0x97, kAll), "avxvnni"},
        {"the mobile one", cpu("GenuineIntel", 6, 0x9a, kAll), "avxvnni"},
        {"Alder Lake as sold", cpu("GenuineIntel", 6, 0x97, avx2 | avxvnni), "avxvnni"},
        {"Sapphire Rapids", cpu("GenuineIntel", 6, 0x8f, kAll), "avx512vnni"},
        {"Ice Lake", cpu("GenuineIntel", 6, 0x7e, avx2 | avx512vnni), "avx512vnni"},
        {"Haswell", cpu("GenuineIntel", 6, 0x3c, avx2), "avx2"},
        {"AMD's numbers of another vendor", cpu("GenuineIntel", 26, 0x24, kAll), "avx512vnni"},
        {"an unknown vendor", cpu("HygonGenuine", 24, 0x01, kAll), "avx512vnni"},
        {"no name at all", cpu("", 0, 0, avx2), "avx2"},
        {"nothing that a kernel is for", cpu("GenuineIntel", 6, 0x17, none), "scalar"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.what);
        const auto choice = choose_isa(c.cpu);
        CHECK(std::string_view(choice.isa) == c.isa);
        CHECK_FALSE(std::string_view(choice.reason).empty());
        const auto list = linnet::kernels::available_isas(c.cpu);
        CHECK(std::string_view(list.names[0]) == c.isa);
        CHECK(std::string_view(list.names[list.n - 1]) == "scalar");
        CHECK(list.n == 1U + c.cpu.avx2 + c.cpu.avxvnni + c.cpu.avx512vnni);
    }
    CHECK(choose_isa(cpu("AuthenticAMD", 26, 0x24, kAll)).reason !=
          std::string_view(choose_isa(cpu("AuthenticAMD", 26, 0x02, kAll)).reason));
}

TEST_CASE("choice: the CPU that this runs on has a name where it should") {
    const Cpu here = linnet::kernels::this_cpu();
    const auto choice = choose_isa(here);
    CHECK(std::string_view(choice.isa) == linnet::kernels::available_isas().names[0]);
#if defined(__x86_64__)
    CHECK(here.vendor_name().size() == 12);
    CHECK(here.family >= 6);
    // Nobody has the wider sets without AVX2.
    CHECK((here.avx2 || !(here.avxvnni || here.avx512vnni)));
#else
    CHECK(here.vendor_name().empty());
#endif
}
