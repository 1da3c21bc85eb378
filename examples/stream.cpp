// SPDX-License-Identifier: MIT
// linnet.hpp: loading with progress, sampling with a seed, streaming events.   stream [MODEL [PROMPT [SEED]]]
#include <cstdlib>
#include <iostream>

#include "linnet.hpp"

namespace {

std::int32_t show_progress(void*, std::uint64_t done, std::uint64_t total) {
    std::cerr << "\rloading " << (total == 0 ? 100 : done * 100 / total) << " %" << std::flush;
    return 0;
}

void run(const std::string& path, const std::string& prompt, std::uint64_t seed) {
    linnet::Engine engine;
    linnet::ModelOptions model_options;
    model_options.progress = show_progress;
    linnet::Model model(engine, path, model_options);
    const linnet_model_info info = model.info();
    std::cerr << "\r" << info.architecture << ", " << info.n_parameters / 1000000 << " M parameters, " << info.format
              << ", on " << engine.info().n_threads << " threads with " << engine.info().isa << "\n";

    linnet::SamplerOptions sampling;
    sampling.temperature = 0.7F;
    sampling.top_p = 0.9F;
    sampling.seed = seed;

    linnet::Session session(model);
    session.set_sampler(linnet::Sampler(model, sampling));  // the session keeps it
    session.append(prompt);
    std::cout << prompt;
    std::size_t n_tokens = 0;
    for (const linnet::Event& event : session.events()) {
        std::cout << event.text << std::flush;
        if (event.kind == LINNET_EVENT_TOKEN && ++n_tokens == 128) break;
    }
    std::cout << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc > 1 ? argv[1] : "models/tiny-tales-6m-Q8_0.gguf", argc > 2 ? argv[2] : "Once upon a time",
            argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
