// SPDX-License-Identifier: MIT
#include "tools/isa.hpp"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "kernels/api/cpu.hpp"
#include "kernels/api/slots.hpp"

namespace tools {

namespace kernels = linnet::kernels;

namespace {

// Kernels with a tensor format; the others' formats are those of the KV cache.
bool of_tensors(std::string_view kernel) {
    return kernel == "matmul" || kernel == "pack" || kernel == "read_row" || kernel == "decode";
}

}  // namespace

IsaReport describe_isa(const kernels::Table& table, const linnet::gguf::File& file, bool forced) {
    const kernels::Cpu cpu = kernels::this_cpu();
    IsaReport report;
    report.isa = table.isa;
    report.reason = forced ? "asked for by name" : kernels::choose_isa(cpu).reason;
    if (!cpu.vendor_name().empty()) {
        report.cpu = fmt::format("{} family {} model {}", cpu.vendor_name(), cpu.family, cpu.model);
    }
    const kernels::IsaList list = kernels::available_isas(cpu);
    report.available.assign(list.names, list.names + list.n);

    std::set<std::string_view> formats;
    for (const linnet::gguf::TensorInfo& tensor : file.tensors()) {
        const kernels::FormatInfo* format = kernels::find_format(static_cast<std::uint32_t>(tensor.type));
        if (format != nullptr) formats.insert(format->name);
    }
    const auto add = [&](const std::string& kernel, const std::string& format, const auto& slot) {
        if (of_tensors(kernel) && formats.count(format) == 0) return;
        report.kernels[format.empty() ? kernel : kernel + "." + format] = slot.isa;
    };
    kernels::for_each_slot(add, table);
    return report;
}

nlohmann::ordered_json to_json(const IsaReport& report) {
    return {
        {"reason", report.reason}, {"cpu", report.cpu}, {"available", report.available}, {"kernels", report.kernels}};
}

std::string text(const IsaReport& report) {
    std::map<std::string, std::vector<std::string>> others;  // instruction set -> kernels
    for (const auto& [kernel, isa] : report.kernels) {
        if (isa != report.isa) others[isa].push_back(kernel);
    }
    std::string kernels = others.empty() ? fmt::format("all {}", report.isa) : fmt::format("{}, but", report.isa);
    for (const auto& [isa, names] : others) kernels += fmt::format(" {}: {};", isa, fmt::join(names, " "));
    if (kernels.back() == ';') kernels.pop_back();
    return fmt::format("{} of {}: {}{}{}\nkernels: {}\n", report.isa, fmt::join(report.available, " "), report.reason,
                       report.cpu.empty() ? "" : "; ", report.cpu, kernels);
}

}  // namespace tools
