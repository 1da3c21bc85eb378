// SPDX-License-Identifier: MIT
// linnet inspect: what a GGUF file holds. It reads the file's layer and not linnet.h, because it must also show files
// that hold no model or one which the library refuses to run.
#include <iostream>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "gguf/file.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/metadata.hpp"

namespace tools {

namespace {

namespace gguf = linnet::gguf;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxElements = 8;      // of an array
constexpr std::size_t kMaxCharacters = 200;  // of a text, in the readable form

struct Options {
    std::string model;
    bool json = false;
};

std::string dump(const Json& value, int indent = -1) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string type_name(gguf::TensorType type) { return std::string(gguf::find_type(type)->name); }

Json shape(const gguf::TensorInfo& tensor) {
    Json dims = Json::array();
    for (std::uint32_t i = 0; i < tensor.n_dims; ++i) dims.push_back(tensor.shape[i]);
    return dims;
}

Json describe(const gguf::File& file) {
    Json metadata = Json::object();
    for (const gguf::Value& value : file.values()) metadata[std::string(value.key)] = to_json(value, kMaxElements);
    Json tensors = Json::array();
    for (const gguf::TensorInfo& tensor : file.tensors()) {
        tensors.push_back({{"name", std::string(tensor.name)},
                           {"type", type_name(tensor.type)},
                           {"shape", shape(tensor)},
                           {"bytes", tensor.size},
                           {"offset", tensor.offset},
                           {"split", tensor.source}});
    }
    return {{"version", file.version()},      {"alignment", file.alignment()},   {"n_splits", file.n_sources()},
            {"file_bytes", file.file_size()}, {"metadata", std::move(metadata)}, {"tensors", std::move(tensors)}};
}

void print(const gguf::File& file) {
    std::cout << fmt::format("GGUF version {}, {} bytes, {} metadata values, {} tensors\n", file.version(),
                             file.file_size(), file.values().size(), file.tensors().size());
    for (const gguf::Value& value : file.values()) {
        std::string text = dump(to_json(value, kMaxElements));
        if (text.size() > kMaxCharacters) {
            std::size_t end = kMaxCharacters;
            while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not within a character
            text = fmt::format("{}... ({} bytes)", text.substr(0, end), text.size());
        }
        std::cout << fmt::format("  {} = {}\n", value.key, text);
    }
    std::uint64_t n_parameters = 0;
    for (const gguf::TensorInfo& tensor : file.tensors()) {
        n_parameters += tensor.n_elements;
        std::cout << fmt::format("  {:<40} {:<8} {:<20} {:>12}\n", tensor.name, type_name(tensor.type),
                                 dump(shape(tensor)), tensor.size);
    }
    std::cout << fmt::format("{} parameters\n", n_parameters);
}

void inspect(const Options& options) {
    linnet::Memory memory;
    const auto file = gguf::File::open(options.model, true, memory);
    if (options.json) {
        std::cout << dump(describe(file), 1) << '\n';
    } else {
        print(file);
    }
}

}  // namespace

void add_inspect(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "inspect", "Show a GGUF file's metadata and tensors",
        "Lists the metadata (long arrays as their length and first elements) and the tensors (name, type, shape with "
        "the contiguous dimension first, bytes) of a GGUF file, whether or not Linnet can run the model in it.",
        "linnet inspect model.gguf --json | jq '.metadata[\"general.architecture\"]'");
    command.add_option("MODEL", &options->model, "GGUF file (the first one of split files)", {.required = true});
    command.add_option("--json", &options->json, "Print a JSON object");
    command.on_run([options] { inspect(*options); });
}

}  // namespace tools
