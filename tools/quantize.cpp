// SPDX-License-Identifier: MIT
// linnet quantize: a model's weights in fewer bits. What goes where is decided by src/quantize; this is the file around
// it: metadata carried over, splits, progress, and an output that appears only when it is complete.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gguf/file.hpp"
#include "gguf/writer.hpp"
#include "model/engine.hpp"
#include "quantize/convert.hpp"
#include "quantize/encode.hpp"
#include "quantize/importance.hpp"
#include "quantize/recipe.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"
#include "tools/output_files.hpp"
#include "tools/terminal.hpp"

namespace tools {

namespace {

namespace gguf = linnet::gguf;
namespace quantize = linnet::quantize;

struct Options : EngineOptions {
    std::string in;
    std::string out;
    std::string format;
    std::string imatrix;
    std::vector<std::string> overrides;
    std::uint64_t split_max_size = 0;  // 0: one file
    bool requantise = false;
    bool dry_run = false;
};

std::vector<std::string> recipe_names() {
    std::vector<std::string> names;
    for (const quantize::Recipe& recipe : quantize::recipes()) names.emplace_back(recipe.name);
    return names;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return text;
}

std::vector<quantize::Override> parse_overrides(const std::vector<std::string>& texts) {
    std::vector<quantize::Override> result;
    for (const std::string& text : texts) {
        const std::size_t equals = text.rfind('=');
        if (equals == std::string::npos || equals == 0) throw UsageError("--tensor " + text + ": not PATTERN=FORMAT");
        const std::string type = upper(text.substr(equals + 1));
        const gguf::TensorTypeInfo* info = gguf::find_type(type);
        if (info == nullptr || quantize::find_encoder(info->type) == nullptr) {
            throw UsageError("--tensor " + text + ": '" + type + "' is no tensor format that can be written");
        }
        result.push_back({text.substr(0, equals), type});
    }
    return result;
}

bool is_float(gguf::TensorType type) { return gguf::find_type(type)->block_size == 1; }

void check_source(const gguf::File& file, std::span<const gguf::TensorType> types) {
    for (std::size_t i = 0; i < types.size(); ++i) {
        const gguf::TensorInfo& tensor = file.tensors()[i];
        if (tensor.type == types[i] || is_float(tensor.type)) continue;
        throw UsageError(
            fmt::format("tensor '{}' is quantised already ({}): start from a file with floats, or accept "
                        "the loss with --allow-requantize",
                        tensor.name, gguf::find_type(tensor.type)->name));
    }
}

// ---- Output

// Tensors [begin, end) of the source, one output file each.
struct Part {
    std::size_t begin;
    std::size_t end;
};

std::vector<Part> split(const std::vector<std::uint64_t>& sizes, std::uint64_t max_size) {
    std::vector<Part> parts = {{0, 0}};
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (max_size != 0 && i > parts.back().begin && total + sizes[i] > max_size) {
            parts.push_back({i, i});
            total = 0;
        }
        total += sizes[i];
        parts.back().end = i + 1;
    }
    return parts;
}

std::vector<std::string> part_names(const std::string& out, std::size_t n) {
    if (n == 1) return {out};
    constexpr std::string_view kEnd = ".gguf";
    const std::string stem = out.ends_with(kEnd) ? out.substr(0, out.size() - kEnd.size()) : out;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < n; ++i) names.push_back(fmt::format("{}-{:05}-of-{:05}.gguf", stem, i + 1, n));
    return names;
}

// The source's metadata in its order, with what the new weights change.
void add_metadata(gguf::Writer& writer, const gguf::File& file, const quantize::Recipe& recipe, const Options& options,
                  const quantize::Importance* importance) {
    constexpr std::uint32_t kQuantizationVersion = 2;
    const std::pair<std::string_view, std::uint32_t> changed[] = {
        {"general.file_type", recipe.file_type}, {"general.quantization_version", kQuantizationVersion}};
    for (const gguf::Value& value : file.values()) {
        const auto change = std::find_if(std::begin(changed), std::end(changed),
                                         [&](const auto& entry) { return entry.first == value.key; });
        if (change != std::end(changed)) {
            writer.add_u32(change->first, change->second);
        } else if (value.key != "general.architecture" && value.key != "general.alignment" &&
                   !value.key.starts_with("split.") && !value.key.starts_with("quantize.imatrix.")) {
            writer.add(value);
        }
    }
    for (const auto& [key, value] : changed) {
        if (file.find(key) == nullptr) writer.add_u32(key, value);
    }
    if (importance == nullptr) return;
    writer.add_string("quantize.imatrix.file", std::filesystem::path(options.imatrix).filename().string());
    if (!importance->dataset().empty()) writer.add_string("quantize.imatrix.dataset", importance->dataset());
    writer.add_i32("quantize.imatrix.entries_count", static_cast<std::int32_t>(importance->n_tensors()));
    if (importance->n_chunks() != 0) {
        writer.add_i32("quantize.imatrix.chunks_count", static_cast<std::int32_t>(importance->n_chunks()));
    }
}

void check_place(const Options& options, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        std::error_code absent;
        if (std::filesystem::equivalent(options.in, name, absent))
            throw UsageError(name + ": would overwrite the input");
    }
}

std::string size_text(std::uint64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

struct Plan {
    std::vector<gguf::TensorType> types;
    std::vector<std::uint64_t> sizes;
    std::uint64_t total = 0;
    std::uint64_t n_weights = 0;
};

Plan make_plan(const gguf::File& file, const quantize::Recipe& recipe, const Options& options, linnet::Memory& memory) {
    Plan plan;
    plan.types =
        quantize::choose_types(file, recipe, parse_overrides(options.overrides), !options.imatrix.empty(), memory);
    if (!options.requantise) check_source(file, plan.types);
    for (std::size_t i = 0; i < plan.types.size(); ++i) {
        const gguf::TensorInfo& tensor = file.tensors()[i];
        plan.sizes.push_back(quantize::converted_size({file, tensor, plan.types[i], {}}));
        plan.total += plan.sizes.back();
        plan.n_weights += tensor.n_elements;
    }
    return plan;
}

void print_plan(const gguf::File& file, const Plan& plan) {
    for (std::size_t i = 0; i < plan.types.size(); ++i) {
        const gguf::TensorInfo& tensor = file.tensors()[i];
        std::cout << fmt::format("{:<40} {:>6} -> {}\n", tensor.name, gguf::find_type(tensor.type)->name,
                                 gguf::find_type(plan.types[i])->name);
    }
}

void print_summary(const gguf::File& file, const Plan& plan) {
    std::map<std::string_view, std::size_t> counts;
    for (const gguf::TensorType type : plan.types) ++counts[gguf::find_type(type)->name];
    std::string text;
    for (const auto& [name, n] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, name);
    std::uint64_t before = 0;
    for (const gguf::TensorInfo& tensor : file.tensors()) before += tensor.size;
    std::cout << fmt::format("{} tensors: {}\n{} -> {}, {:.2f} bits per weight\n", plan.types.size(), text,
                             size_text(before), size_text(plan.total),
                             8.0 * static_cast<double>(plan.total) / static_cast<double>(plan.n_weights));
}

void write(const gguf::File& file, const quantize::Recipe& recipe, const Plan& plan, const Options& options,
           const quantize::Importance* importance, linnet::Engine& engine) {
    const std::vector<Part> parts = split(plan.sizes, options.split_max_size);
    const std::vector<std::string> names = part_names(options.out, parts.size());
    if (parts.size() > 65535) throw UsageError("--split-max-size: there would be more than 65535 files");
    check_place(options, names);
    const auto arch = file.string("general.architecture");
    if (!arch) throw std::runtime_error(options.in + ": key 'general.architecture' is missing");
    OutputFiles outputs(names);
    Progress progress("quantize");
    std::uint64_t done = 0;
    for (std::size_t p = 0; p < parts.size(); ++p) {
        gguf::Writer writer(*arch);
        if (p == 0) add_metadata(writer, file, recipe, options, importance);
        if (parts.size() > 1) {
            writer.add_u16("split.no", static_cast<std::uint16_t>(p));
            writer.add_u16("split.count", static_cast<std::uint16_t>(parts.size()));
            writer.add_i32("split.tensors.count", static_cast<std::int32_t>(plan.types.size()));
        }
        for (std::size_t i = parts[p].begin; i < parts[p].end; ++i) {
            const gguf::TensorInfo& tensor = file.tensors()[i];
            writer.add_tensor(
                tensor.name, plan.types[i], {tensor.shape, tensor.n_dims}, [&, i](const gguf::Writer::Sink& sink) {
                    const auto weights =
                        importance != nullptr ? importance->find(tensor.name) : std::span<const float>();
                    quantize::convert({file, tensor, plan.types[i], weights}, engine.kernels, engine.workers,
                                      engine.memory, [&](std::span<const std::byte> bytes) {
                                          outputs.check_interrupted();
                                          sink(bytes);
                                          done += bytes.size();
                                          progress.update(done, plan.total);
                                      });
                });
        }
        writer.write_file(outputs.partial(p));
    }
    outputs.finish();
}

void quantise(const Options& options) {
    linnet::EngineOptions engine_options;
    engine_options.n_threads = options.n_threads;
    engine_options.isa = options.isa.empty() ? nullptr : options.isa.c_str();
    linnet::Engine engine(engine_options);
    const auto all = quantize::recipes();
    const auto& recipe = *std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.name == options.format; });
    const auto file = gguf::File::open(options.in, true, engine.memory);
    std::optional<quantize::Importance> importance;
    if (!options.imatrix.empty()) {
        importance = quantize::Importance::read(linnet::Source::open_file(options.imatrix, true), engine.memory);
    }
    const Plan plan = make_plan(file, recipe, options, engine.memory);
    if (importance && std::none_of(file.tensors().begin(), file.tensors().end(), [&](const gguf::TensorInfo& tensor) {
            return !importance->find(tensor.name).empty();
        })) {
        throw UsageError(options.imatrix + ": knows none of the model's tensors");
    }
    if (options.dry_run) {
        print_plan(file, plan);
    } else {
        write(file, recipe, plan, options, importance ? &*importance : nullptr, engine);
    }
    print_summary(file, plan);
}

}  // namespace

void add_quantize(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "quantize", "Write a model's weights in fewer bits",
        "Converts the weights of a GGUF file (best one with F32, F16 or BF16 weights) to FORMAT. The recipes are "
        "llama-quantize's: Q4_K_M, for example, is mostly Q4_K with Q6_K where it matters. Scales are searched for "
        "the least squared error; with --imatrix (a file of llama-imatrix) errors count by how much the model uses "
        "a weight. --tensor sets the format of single tensors and may be given several times; in its pattern * "
        "stands for any text. The result does not depend on the number of threads; OUT appears when it is complete. "
        "With --split-max-size it becomes OUT-00001-of-0000N.gguf and so on.",
        "linnet quantize model-bf16.gguf model-Q4_K_M.gguf Q4_K_M --tensor '*.attn_v.weight=Q8_0'");
    command.add_option("IN", &options->in, "GGUF file (the first one of split files)", {.required = true});
    command.add_option("OUT", &options->out, "File to write", {.required = true});
    command.add_option("FORMAT", &options->format, "Recipe",
                       {.required = true, .one_of = recipe_names(), .any_case = true});
    command.add_option("--imatrix", &options->imatrix, "Importance of the weights, as llama-imatrix writes it");
    command.add_option("--tensor", &options->overrides, "PATTERN=FORMAT: the format of tensors whose name matches");
    command.add_option("--split-max-size", &options->split_max_size, "Begin a new file at this size (2G, 500M ...)",
                       {.bytes = true});
    command.add_option("--allow-requantize", &options->requantise, "Convert tensors that are quantised already, too");
    command.add_option("--dry-run", &options->dry_run, "Only print what each tensor would become");
    add_engine_options(command, *options);
    command.on_run([options] { quantise(*options); });
}

}  // namespace tools
