// SPDX-License-Identifier: MIT
// linnet imatrix: of each matrix the squares of what it is multiplied with over a text, summed token by token: which of
// its columns matter when it is quantised. Written as llama-imatrix does (GGUF: <tensor>.in_sum2 and <tensor>.counts,
// each with a row for each matrix of the tensor: an expert or a head).
#include <algorithm>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gguf/writer.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/output_files.hpp"
#include "tools/pass.hpp"
#include "tools/terminal.hpp"
#include "tools/windows.hpp"

namespace tools {

namespace {

using linnet::Matrix;

struct Options : PassOptions {
    std::string text;
    std::string out;
};

// Of one tensor.
struct Entry {
    std::vector<float> sums;    // [n_matrices][n_in]; empty: not collected
    std::vector<float> counts;  // [n_matrices], of tokens
};

struct Collector {
    std::span<const linnet::gguf::TensorInfo> tensors;
    std::vector<Entry> entries;  // of each tensor
};

void see(void* user, const Matrix& w, std::size_t first, std::size_t n, const float* x) {
    auto& collector = *static_cast<Collector*>(user);
    // Of matrices that share their rows' tensor, and so their input, the first one counts.
    if (w.tensor == nullptr || w.first_row % w.tensor->shape[1] != 0) return;
    Entry& entry = collector.entries[static_cast<std::size_t>(w.tensor - collector.tensors.data())];
    if (entry.sums.empty()) return;
    const auto matrix = static_cast<std::size_t>(w.first_row / w.tensor->shape[1]);
    float* sums = entry.sums.data() + matrix * w.n_in + first;
    for (std::size_t i = 0; i < n; ++i) sums[i] += x[i] * x[i];
    if (first == 0) entry.counts[matrix] += 1;
}

// All matrices of layers, as llama-imatrix takes them.
Collector make_collector(const linnet::Model& model) {
    Collector result;
    result.tensors = model.file().tensors();
    for (const linnet::gguf::TensorInfo& tensor : result.tensors) {
        Entry& entry = result.entries.emplace_back();
        if (tensor.n_dims < 2 || !tensor.name.starts_with("blk.")) continue;
        entry.counts.resize(static_cast<std::size_t>(tensor.shape[2]));
        entry.sums.resize(static_cast<std::size_t>(tensor.shape[0]) * entry.counts.size());
    }
    return result;
}

bool was_seen(const Entry& entry) {
    return std::any_of(entry.counts.begin(), entry.counts.end(), [](float n) { return n != 0; });
}

void write(const std::string& path, const Collector& collector, const Options& options, std::size_t n_windows) {
    linnet::gguf::Writer writer("imatrix");
    writer.add_string("general.type", "imatrix");
    const std::string dataset[] = {options.text};
    writer.add_strings("imatrix.datasets", dataset);
    writer.add_u32("imatrix.chunk_count", static_cast<std::uint32_t>(n_windows));
    writer.add_u32("imatrix.chunk_size", options.n_ctx);
    const auto f32 = linnet::gguf::find_type("F32")->type;
    for (std::size_t i = 0; i < collector.entries.size(); ++i) {
        const Entry& entry = collector.entries[i];
        if (!was_seen(entry)) continue;
        const auto add = [&](const char* what, const std::vector<float>& values) {
            const std::uint64_t shape[] = {values.size() / entry.counts.size(), entry.counts.size()};
            writer.add_tensor(
                fmt::format("{}.{}", collector.tensors[i].name, what), f32, shape,
                [&values](const linnet::gguf::Writer::Sink& sink) { sink(std::as_bytes(std::span(values))); });
        };
        add("in_sum2", entry.sums);
        add("counts", entry.counts);
    }
    writer.write_file(path);
}

void imatrix(const Options& options) {
    OutputFiles output({options.out});
    const auto model = load_model(options);
    const Windows windows = read_windows(*model, options.text, options.n_ctx, 1);
    Collector collector = make_collector(*model);
    const linnet::InputObserver observer = {&collector, see};
    const std::size_t chunk = options.chunk != 0 ? options.chunk : 512;
    linnet::Forward forward(*model, pass_shape(options, options.n_ctx, chunk, 1));
    Progress progress("imatrix");
    for (std::size_t w = 0; w < windows.n; ++w) {
        const auto window = windows.window(w);
        for (std::size_t begin = 0; begin < window.size(); begin += forward.shape().n_batch) {
            output.check_interrupted();
            const std::size_t n = std::min<std::size_t>(forward.shape().n_batch, window.size() - begin);
            forward.begin(window.subspan(begin, n), static_cast<std::uint32_t>(begin), 0);
            if (forward.run(linnet::Stop{}, nullptr, &observer) != linnet::Forward::Outcome::done) {
                throw std::runtime_error("a pass without deadline did not end");
            }
        }
        progress.update(w + 1, windows.n);
    }
    progress.clear();
    write(output.partial(0), collector, options, windows.n);
    output.finish();
    const auto n_tensors = std::count_if(collector.entries.begin(), collector.entries.end(), was_seen);
    std::cout << fmt::format("{} tensors over {} tokens in {} windows of {}\n", n_tensors, windows.n * windows.n_ctx,
                             windows.n, windows.n_ctx);
}

}  // namespace

void add_imatrix(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    options->n_ctx = 512;
    const Command command = line.add(
        "imatrix", "Collect which weights matter, for quantize --imatrix",
        "Runs a text in windows of -c tokens (default 512) and sums, for each matrix of the layers, the squares of "
        "each of its inputs; for an expert's those of the tokens that chose it. The file is an importance matrix in "
        "GGUF as llama-imatrix writes it; `linnet quantize --imatrix` and llama-quantize read it.",
        "linnet imatrix model-f16.gguf -f text.txt -o model.imatrix.gguf");
    add_model_argument(command, *options);
    command.add_option("-f,--file", &options->text, "Text file (UTF-8)", {.required = true});
    command.add_option("-o,--out", &options->out, "File to write", {.required = true});
    add_session_options(command, *options);
    add_engine_options(command, *options);
    add_chunk_option(command, *options);
    add_mapped_option(command, *options);
    command.on_run([options] { imatrix(*options); });
}

}  // namespace tools
