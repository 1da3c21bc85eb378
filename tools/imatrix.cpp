// SPDX-License-Identifier: MIT
// linnet imatrix: of each matrix the squares of what it is multiplied with over a text, summed token by token: which of
// its columns matter when it is quantised. Written as llama-imatrix does (GGUF: <tensor>.in_sum2 and <tensor>.counts).
#include <iostream>
#include <map>
#include <memory>
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
using linnet::arch::Role;

struct Options : PassOptions {
    std::string text;
    std::string out;
};

struct Entry {
    std::vector<float> sums;  // [n_in]
    float n_tokens = 0;
};

struct Collector {
    std::map<std::string, Entry> entries;       // by tensor
    std::map<const std::byte*, Entry*> places;  // by the matrix's data; of fused tensors the first part's
};

void see(void* user, const Matrix& w, std::size_t first, std::size_t n, const float* x) {
    const auto& places = static_cast<const Collector*>(user)->places;
    const auto found = places.find(w.data);
    if (found == places.end()) return;
    Entry& entry = *found->second;
    for (std::size_t i = 0; i < n; ++i) entry.sums[first + i] += x[i] * x[i];
    if (first == 0) entry.n_tokens += 1;
}

// A matrix and the names that its tensor may have: its own, or that of several in one.
struct Slot {
    Role role;
    const char* name;
    const char* fused;
};
constexpr Slot kSlots[] = {
    {Role::attn_q, "attn_q", "attn_qkv"},   {Role::attn_k, "attn_k", nullptr},
    {Role::attn_v, "attn_v", nullptr},      {Role::attn_output, "attn_output", nullptr},
    {Role::ffn_gate, "ffn_gate", "ffn_up"}, {Role::ffn_up, "ffn_up", nullptr},
    {Role::ffn_down, "ffn_down", nullptr},
};

Collector make_collector(const linnet::Model& model) {
    Collector result;
    for (std::size_t layer = 0; layer < model.spec().layers.size(); ++layer) {
        for (const Slot& slot : kSlots) {
            const Matrix& matrix = model.weights().matrix(slot.role, layer);
            if (matrix.data == nullptr) continue;
            const auto name_of = [&](const char* name) { return fmt::format("blk.{}.{}.weight", layer, name); };
            const bool own = model.file().find_tensor(name_of(slot.name)) != nullptr;
            if (!own && slot.fused == nullptr) continue;
            const std::string name = name_of(own ? slot.name : slot.fused);
            const auto [entry, is_new] = result.entries.try_emplace(name);
            if (!is_new) continue;  // ffn_up that holds the gate as well
            entry->second.sums.resize(matrix.n_in);
            result.places[matrix.data] = &entry->second;
        }
    }
    return result;
}

void write(const std::string& path, const Collector& collector, const Options& options, std::size_t n_windows) {
    linnet::gguf::Writer writer("imatrix");
    writer.add_string("general.type", "imatrix");
    const std::string dataset[] = {options.text};
    writer.add_strings("imatrix.datasets", dataset);
    writer.add_u32("imatrix.chunk_count", static_cast<std::uint32_t>(n_windows));
    writer.add_u32("imatrix.chunk_size", options.n_ctx);
    const auto f32 = linnet::gguf::find_type("F32")->type;
    for (const auto& [name, entry] : collector.entries) {
        if (entry.n_tokens == 0) continue;
        const auto add = [&](const std::string& tensor, std::span<const float> values) {
            const std::uint64_t shape[] = {values.size(), 1};
            writer.add_tensor(tensor, f32, shape,
                              [values](const linnet::gguf::Writer::Sink& sink) { sink(std::as_bytes(values)); });
        };
        add(name + ".in_sum2", entry.sums);
        add(name + ".counts", {&entry.n_tokens, 1});
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
    std::cout << fmt::format("{} tensors over {} tokens in {} windows of {}\n", collector.entries.size(),
                             windows.n * windows.n_ctx, windows.n, windows.n_ctx);
}

}  // namespace

void add_imatrix(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    options->n_ctx = 512;
    const Command command = line.add(
        "imatrix", "Collect which weights matter, for quantize --imatrix",
        "Runs a text in windows of -c tokens (default 512) and sums, for each matrix of attention and dense "
        "feed-forward, the squares of each of its inputs. The file is an importance matrix in GGUF as llama-imatrix "
        "writes it; `linnet quantize --imatrix` and llama-quantize read it. Matrices of experts are left out.",
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
