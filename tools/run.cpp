// SPDX-License-Identifier: MIT
// linnet run: text from a prompt, through linnet.h. The text goes to stdout as it comes; figures go to stderr.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "tools/clock.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/grammar_options.hpp"
#include "tools/load_model.hpp"
#include "tools/sampler_options.hpp"
#include "tools/terminal.hpp"

namespace tools {

namespace {

// While a bar is drawn, steps return this often; otherwise nothing interrupts them.
constexpr std::uint64_t kProgressUs = 50'000;

struct Options : SessionOptions {
    std::string prompt = "Once upon a time";
    std::uint32_t n_tokens = 256;
    bool echo = false;
    linnet::SamplerOptions sampler;
    GrammarOptions grammar;
    ChainOptions chain;
    std::vector<std::string> stops;
};

// Computes what was appended; returns the number of positions.
std::uint32_t prefill(linnet::Session& session) {
    Progress progress("reading the prompt");
    for (;;) {
        const linnet::Event event = session.prefill(progress.shown() ? kProgressUs : 0);
        if (event.n_pending == 0) return event.n_past;
        progress.update(event.n_past, event.n_past + event.n_pending);
    }
}

// Streams at most n_tokens (0: no limit) and returns how many there were.
std::uint32_t generate(linnet::Session& session, std::uint32_t n_tokens) {
    std::uint32_t n = 0;
    session.generate(n_tokens, [&n](const linnet::Event& event) {
        if (event.kind == LINNET_EVENT_TOKEN) ++n;
        if (!event.text.empty()) std::cout << event.text << std::flush;
        return static_cast<bool>(std::cout);  // nobody reads any more
    });
    std::cout << '\n' << std::flush;
    return n;
}

double rate(std::uint32_t n, double seconds) { return seconds > 0 ? n / seconds : 0; }

void run(Options options) {
    if (options.prompt == "-") options.prompt.assign(std::istreambuf_iterator<char>(std::cin), {});

    const linnet::Engine engine(engine_options(options));
    const auto load_start = Clock::now();
    const linnet::Model model = load_model(engine, options);
    const double load_seconds = seconds_since(load_start);

    linnet::Session session(model, session_options(options));
    session.set_sampler(make_sampler(model, options.sampler, options.chain));
    session.set_stops({options.stops.begin(), options.stops.end()});
    session.append(options.prompt);
    if (const auto grammar = make_grammar(model, options.grammar)) session.set_grammar(*grammar);

    if (options.echo) std::cout << options.prompt << std::flush;
    const auto prefill_start = Clock::now();
    const std::uint32_t n_prompt = prefill(session);
    const double prefill_seconds = seconds_since(prefill_start);

    const auto decode_start = Clock::now();
    const std::uint32_t n_generated = generate(session, options.n_tokens);
    const double decode_seconds = seconds_since(decode_start);

    const linnet_engine_info info = engine.info();
    std::fprintf(stderr,
                 "linnet: prompt %u tokens, %.1f t/s; generated %u tokens, %.1f t/s; load %.0f ms; memory %.1f MB "
                 "(%s, %u threads)\n",
                 n_prompt, rate(n_prompt, prefill_seconds), n_generated, rate(n_generated, decode_seconds),
                 load_seconds * 1e3, static_cast<double>(info.memory_peak) / 1e6, info.isa, info.n_threads);
}

}  // namespace

void add_run(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "run", "Generate text from a prompt",
        "Continues a prompt and streams the text to the standard output; a line of figures follows on the standard "
        "error. Without sampling options the most probable token is taken each time, and the same command gives the "
        "same text on every machine; with --temp it is a draw which --seed repeats.",
        "linnet run -p \"Once upon a time, there was a little fox\" -n 100 --temp 0.8 --top-p 0.95 --seed 7");
    command.add_option("-m,--model", &options->model, "GGUF file (default: the small model that comes with Linnet)");
    command.add_option("-p,--prompt", &options->prompt, "Text to continue; - reads it from the standard input",
                       {.show_default = true});
    command.add_option("-n,--tokens", &options->n_tokens, "Generate at most this many tokens; 0: until the end",
                       {.show_default = true});
    command.add_option("--echo", &options->echo, "Print the prompt before the text");
    linnet::SamplerOptions& sampler = options->sampler;
    command.add_option("--temp", &sampler.temperature, "Temperature; 0: always the most probable token");
    command.add_option("--top-k", &sampler.top_k, "Keep the k most probable tokens; 0: all");
    command.add_option("--top-p", &sampler.top_p, "Keep the fewest tokens that reach this probability; 0: all");
    command.add_option("--min-p", &sampler.min_p, "Drop tokens below this share of the most probable one; 0: none");
    command.add_option("--seed", &sampler.seed, "Seed of the draws");
    command.add_option("--repeat-penalty", &sampler.repetition_penalty, "Divide logits of recent tokens; 0 or 1: off");
    command.add_option("--frequency-penalty", &sampler.frequency_penalty, "Subtract per occurrence of a recent token");
    command.add_option("--presence-penalty", &sampler.presence_penalty, "Subtract once for a recent token");
    command.add_option("--penalty-window", &sampler.penalty_window, "Recent tokens that count (default: 64)");
    add_chain_options(command, sampler, options->chain);
    command.add_option("--stop", &options->stops, "Stop before this text; may be given several times");
    add_grammar_options(command, options->grammar);
    add_engine_options(command, *options);
    add_session_options(command, *options);
    add_mapped_option(command, *options);
    command.on_run([options] { run(*options); });
}

}  // namespace tools
