// SPDX-License-Identifier: MIT
// linnet plan: the memory that a model and one session will take, to the byte, from the file's header alone.
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/api.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"

namespace tools {

namespace {

struct Options : SessionOptions {
    bool json = false;
};

void print_line(const char* what, std::uint64_t bytes) {
    std::printf("%-22s %15llu bytes %10.1f MB\n", what, static_cast<unsigned long long>(bytes),
                static_cast<double>(bytes) / 1e6);
}

void print_plan(const Options& options) {
    const linnet::Engine engine(engine_options(options));
    const linnet_memory_plan plan = engine.plan(options.model, model_options(options), session_options(options));
    if (options.json) {
        const nlohmann::ordered_json out = {
            {"n_ctx", plan.n_ctx},
            {"weights_bytes", plan.weights_bytes},
            {"metadata_bytes", plan.metadata_bytes},
            {"kv_bytes", plan.kv_bytes},
            {"scratch_bytes", plan.scratch_bytes},
            {"total_bytes", plan.total_bytes},
            {"file_bytes", plan.file_bytes},
        };
        std::cout << out.dump(2) << '\n';
        return;
    }
    std::printf("context                %15u tokens\n", plan.n_ctx);
    print_line("weights", plan.weights_bytes);
    print_line("metadata, vocabulary", plan.metadata_bytes);
    print_line("KV cache", plan.kv_bytes);
    print_line("scratch", plan.scratch_bytes);
    print_line("total", plan.total_bytes);
    print_line("file", plan.file_bytes);
}

}  // namespace

void add_plan(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "plan", "Tell the memory that a model needs, before loading it",
        "Tells how many bytes loading the model and one session will take. The figures are exact and come from the "
        "file's header: nothing is loaded. Scratch depends on the number of threads.",
        "linnet plan model.gguf -c 8192 --kv f16");
    add_model_argument(command, *options);
    add_session_options(command, *options);
    add_mapped_option(command, *options);
    add_engine_options(command, *options);
    command.add_option("--json", &options->json, "Print a JSON object");
    command.on_run([options] { print_plan(*options); });
}

}  // namespace tools
