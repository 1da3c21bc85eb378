// SPDX-License-Identifier: MIT
// linnet compare: what quantisation did to the weights. The mean squared difference of each tensor of a file from the
// same tensor of the original, and, given two files, the ratio of theirs.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gguf/file.hpp"
#include "model/engine.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"

namespace tools {

namespace {

namespace gguf = linnet::gguf;
namespace kernels = linnet::kernels;

struct Options {
    std::string original;
    std::vector<std::string> files;
    bool json = false;
};

class Rows {
  public:
    Rows(const gguf::File& file, const gguf::TensorInfo& tensor, const kernels::Table& table)
        : data_(file.tensor_data(tensor)), values_(static_cast<std::size_t>(tensor.shape[0])) {
        const kernels::FormatInfo* format = kernels::find_format(static_cast<std::uint32_t>(tensor.type));
        if (format == nullptr) {
            throw std::runtime_error(fmt::format("tensor '{}': format {} is not supported", tensor.name,
                                                 gguf::find_type(tensor.type)->name));
        }
        bytes_ = kernels::row_bytes(*format, values_.size());
        decode_ = table.decode[static_cast<std::size_t>(format->format)].fn;
    }
    const std::vector<float>& at(std::uint64_t row) {
        decode_(data_ + row * bytes_, values_.size(), values_.data());
        return values_;
    }

  private:
    const std::byte* data_;
    std::size_t bytes_;
    void (*decode_)(const std::byte* blocks, std::size_t n_in, float* y);
    std::vector<float> values_;
};

// Of one tensor: the mean of its squares, and for each file that of its differences from the original's.
struct Measured {
    double square = 0;
    std::vector<double> errors;
};

Measured measure(const gguf::File& original, const gguf::TensorInfo& tensor, const std::vector<gguf::File>& files,
                 const kernels::Table& table) {
    Rows rows(original, tensor, table);
    std::vector<Rows> others;
    for (const gguf::File& file : files) {
        const gguf::TensorInfo* other = file.find_tensor(tensor.name);
        if (other == nullptr || !std::equal(std::begin(tensor.shape), std::end(tensor.shape), other->shape)) {
            throw std::runtime_error(fmt::format("tensor '{}' is missing or has another shape", tensor.name));
        }
        others.emplace_back(file, *other, table);
    }
    Measured result;
    result.errors.resize(files.size());
    for (std::uint64_t row = 0; row < tensor.n_elements / tensor.shape[0]; ++row) {
        const std::vector<float>& x = rows.at(row);
        for (const float value : x) result.square += static_cast<double>(value) * static_cast<double>(value);
        for (std::size_t i = 0; i < files.size(); ++i) {
            const std::vector<float>& y = others[i].at(row);
            for (std::size_t k = 0; k < x.size(); ++k) {
                const double difference = static_cast<double>(x[k]) - static_cast<double>(y[k]);
                result.errors[i] += difference * difference;
            }
        }
    }
    const auto n = static_cast<double>(tensor.n_elements);
    result.square /= n;
    for (double& error : result.errors) error /= n;
    return result;
}

std::string type_of(const gguf::File& file, std::string_view tensor) {
    return std::string(gguf::find_type(file.find_tensor(tensor)->type)->name);
}

double relative(double error, double square) { return square > 0 ? std::sqrt(error / square) : 0.0; }

void compare(const Options& options) {
    linnet::Engine engine(linnet::EngineOptions{});
    const auto original = gguf::File::open(options.original, true, engine.memory);
    std::vector<gguf::File> files;
    for (const std::string& path : options.files) files.push_back(gguf::File::open(path, true, engine.memory));
    for (const gguf::TensorInfo& tensor : original.tensors()) {
        const Measured m = measure(original, tensor, files, engine.kernels);
        if (std::all_of(m.errors.begin(), m.errors.end(), [](double error) { return error == 0; })) continue;
        nlohmann::ordered_json out = {{"tensor", tensor.name}};
        std::string line = fmt::format("{:<36}", tensor.name);
        for (std::size_t i = 0; i < files.size(); ++i) {
            const std::string type = type_of(files[i], tensor.name);
            out["types"].push_back(type);
            out["mse"].push_back(m.errors[i]);
            out["relative_rms"].push_back(relative(m.errors[i], m.square));
            line += fmt::format("  {:<7} {:.4e} ({:.3f} %)", type, m.errors[i], 100 * relative(m.errors[i], m.square));
        }
        if (files.size() == 2 && m.errors[1] > 0) line += fmt::format("  ratio {:.4f}", m.errors[0] / m.errors[1]);
        std::cout << (options.json ? out.dump() : line) << '\n';
    }
}

}  // namespace

void add_compare(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "compare", "Measure what quantisation did to the weights",
        "Prints the mean squared difference of each tensor of FILE from the same one of ORIGINAL, and as a share of "
        "the weights (root mean squares). With two files also the ratio of the first one's to the second one's. "
        "Tensors that are the same in all of them are left out.",
        "linnet compare model-bf16.gguf model-Q4_K_M.gguf");
    command.add_option("ORIGINAL", &options->original, "GGUF file with the weights to compare with",
                       {.required = true});
    command.add_option("FILE", &options->files, "One or two GGUF files", {.required = true, .most = 2});
    command.add_option("--json", &options->json, "Print a JSON object per tensor");
    command.on_run([options] { compare(*options); });
}

}  // namespace tools
