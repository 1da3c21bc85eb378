// SPDX-License-Identifier: MIT
// linnet bench: speed of reading (prefill) and writing (decode) tokens, and what share of the machine's limits that is.
#include <sys/resource.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sampling/sampler.hpp"
#include "tools/clock.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/host_threads.hpp"
#include "tools/isa.hpp"
#include "tools/limits.hpp"
#include "tools/pass.hpp"
#include "tools/split.hpp"

namespace tools {

namespace {

using linnet::Token;

constexpr std::uint32_t kBatch = 512;

struct Options : PassOptions {
    std::uint32_t n_prompt = 512;
    std::uint32_t n_decode = 64;
    std::uint32_t depth = 0;
    std::uint32_t repeats = 3;
    bool profile = false;
    bool host_threads = false;
    bool json = false;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::uint64_t peak_rss_bytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

// What a token costs in matrices. The embedding's lookup costs nothing, but a tied embedding is the output as well; of
// experts only those count that a token uses.
struct Work {
    std::uint64_t layer_weights = 0;   // multiplied for every token
    std::uint64_t output_weights = 0;  // multiplied where logits are asked for
    std::uint64_t bytes = 0;           // read for a token that is decoded, without the cache
    bool quantised = false;            // most weights are in block formats
};

Work count_work(const linnet::gguf::File& file, const linnet::arch::ModelSpec& spec) {
    Work work;
    const linnet::arch::ExpertSpec& experts = spec.layers.back().experts;
    const bool tied = file.find_tensor("output.weight") == nullptr;
    std::uint64_t block_weights = 0;
    for (const linnet::gguf::TensorInfo& tensor : file.tensors()) {
        const bool embedding = tensor.name == "token_embd.weight";
        if (tensor.n_dims < 2 || (embedding && !tied)) continue;
        const bool of_experts = tensor.n_dims == 3 && tensor.shape[2] == experts.n_experts;
        const auto used = [&](std::uint64_t n) { return of_experts ? n / experts.n_experts * experts.n_used : n; };
        const std::uint64_t n_weights = used(tensor.n_elements);
        (embedding || tensor.name == "output.weight" ? work.output_weights : work.layer_weights) += n_weights;
        work.bytes += used(tensor.size);
        if (linnet::gguf::find_type(tensor.type)->block_size > 1) block_weights += n_weights;
    }
    work.quantised = 2 * block_weights > work.layer_weights + work.output_weights;
    return work;
}

// One sequence of random tokens, of which any part can be computed again and again.
class Bench {
  public:
    Bench(const linnet::Model& model, const Options& options, std::uint32_t n_ctx)
        : forward_(model, pass_shape(options, n_ctx, options.chunk != 0 ? options.chunk : kBatch, 1)), tokens_(n_ctx) {
        // Any fixed sequence will do; Knuth's multiplicative hash spreads it over the vocabulary.
        for (std::uint32_t i = 0; i < n_ctx; ++i) {
            tokens_[i] = static_cast<Token>(std::uint64_t{i * 2654435761U} * model.spec().n_vocab >> 32U);
        }
    }

    linnet::KvType kv_type() const { return forward_.shape().kv_type; }

    // Seconds that positions [pos, pos + n) take in passes of n_batch, with logits for the last one.
    double prefill(std::uint32_t pos, std::uint32_t n, linnet::Profile* profile = nullptr) {
        seek(pos);
        const auto start = Clock::now();
        compute(n, forward_.shape().n_batch, profile);
        return seconds_since(start);
    }

    // The same one by one, with logits each.
    double decode(std::uint32_t pos, std::uint32_t n, linnet::Profile* profile = nullptr) {
        seek(pos);
        const auto start = Clock::now();
        for (std::uint32_t i = 0; i < n; ++i) compute(1, 1, profile);
        return seconds_since(start);
    }

  private:
    // Rings of windows may have moved on: then what they need is computed again.
    void seek(std::uint32_t pos) {
        n_past_ = pos <= n_past_ ? forward_.restart(pos) : n_past_;
        if (n_past_ < pos) compute(pos - n_past_, forward_.shape().n_batch, nullptr);
    }

    // With a profile a token is chosen as well, so that it shows the whole step of a generation.
    void compute(std::uint32_t n, std::uint32_t n_batch, linnet::Profile* profile) {
        for (const std::uint32_t end = n_past_ + n; n_past_ < end;) {
            const std::uint32_t n_pass = std::min(n_batch, end - n_past_);
            run_pass(forward_, {tokens_.data() + n_past_, n_pass}, n_past_, n_past_ + n_pass == end ? 1 : 0, profile);
            n_past_ += n_pass;
        }
        if (profile == nullptr) return;
        chosen_ = linnet::arg_max(forward_.logits());
        profile->lap(linnet::Part::choice);
    }

    linnet::Forward forward_;
    std::vector<Token> tokens_;
    std::uint32_t n_past_ = 0;
    Token chosen_ = linnet::kNoToken;
};

// The median, by time, of some rounds.
template <class Round>
Split median_split(std::uint32_t repeats, std::uint32_t n_steps, Round round) {
    std::vector<Split> splits(repeats);
    for (Split& split : splits) {
        split.n_steps = n_steps;
        split.seconds = round(&split.profile);
    }
    std::sort(splits.begin(), splits.end(), [](const Split& a, const Split& b) { return a.seconds < b.seconds; });
    return splits[repeats / 2];
}

struct Result {
    IsaReport isa;
    std::uint32_t n_threads = 0;
    Work work;
    std::uint64_t cache_bytes = 0;  // read for a token in the middle of those that are decoded
    double load_ms = 0;
    double prefill_tps = 0;  // 0: not measured
    double decode_tps = 0;
    std::uint64_t memory_bytes = 0;    // from the engine's allocator, at most
    std::uint64_t peak_rss_bytes = 0;  // of the process
    Limits limits{};
    std::optional<Split> prefill_split;  // of all tokens of the prompt
    std::optional<Split> decode_split;   // of a token

    // Shares of the limit that binds: arithmetic for prefill, reading weights and cache for decode.
    double prefill_share(std::uint32_t n_prompt) const {
        const double weights = static_cast<double>(work.layer_weights) +
                               static_cast<double>(work.output_weights) / static_cast<double>(std::max(n_prompt, 1U));
        return 2 * weights * prefill_tps / (work.quantised ? limits.int8_ops : limits.f32_ops);
    }
    double decode_share() const {
        return static_cast<double>(work.bytes + cache_bytes) * decode_tps / limits.read_bytes;
    }
};

Result measure(Options options) {
    Result result;
    const auto load_start = Clock::now();
    std::optional<HostThreads> host;
    if (options.host_threads) {
        if (options.n_threads == 0) options.n_threads = std::max(1U, std::thread::hardware_concurrency());
        host.emplace(options.n_threads);
    }
    auto model = load_model(options, host ? &HostThreads::parallel_for : nullptr, host ? &*host : nullptr);
    result.load_ms = seconds_since(load_start) * 1e3;
    result.isa = describe_isa(model->engine().kernels, model->file(), !options.isa.empty());
    result.n_threads = model->engine().workers.size();
    result.work = count_work(model->file(), model->spec());

    const std::uint32_t n_ctx = options.depth + std::max({options.n_prompt, options.n_decode, 1U});
    std::optional<Bench> bench(std::in_place, *model, options, n_ctx);
    const std::uint32_t middle = options.depth + options.n_decode / 2;
    result.cache_bytes = linnet::KvCache::bytes_read(model->spec(), middle, bench->kv_type());
    std::vector<double> prefill;
    std::vector<double> decode;
    for (std::uint32_t i = 0; i <= options.repeats; ++i) {
        const double prefill_seconds = options.n_prompt != 0 ? bench->prefill(options.depth, options.n_prompt) : 0;
        // The first round warms up: pages, caches, clock rates.
        const std::uint32_t n_decode = i == 0 ? std::min(options.n_decode, 4U) : options.n_decode;
        const double decode_seconds = n_decode != 0 ? bench->decode(options.depth, n_decode) : 0;
        if (i == 0) continue;
        prefill.push_back(prefill_seconds);
        decode.push_back(decode_seconds);
    }
    if (options.n_prompt != 0) result.prefill_tps = options.n_prompt / median(prefill);
    if (options.n_decode != 0) result.decode_tps = options.n_decode / median(decode);
    if (options.profile && options.n_prompt != 0) {
        result.prefill_split = median_split(options.repeats, 1, [&](linnet::Profile* profile) {
            return bench->prefill(options.depth, options.n_prompt, profile);
        });
    }
    if (options.profile && options.n_decode != 0) {
        result.decode_split = median_split(options.repeats, options.n_decode, [&](linnet::Profile* profile) {
            return bench->decode(options.depth, options.n_decode, profile);
        });
    }
    result.memory_bytes = model->engine().memory.peak();
    result.peak_rss_bytes = peak_rss_bytes();
    bench.reset();
    model.reset();
    result.limits = measure_limits(result.n_threads);
    return result;
}

nlohmann::ordered_json to_json(const Options& options, const Result& r) {
    nlohmann::ordered_json profile = nlohmann::ordered_json::object();
    if (r.prefill_split) profile["prefill"] = to_json(*r.prefill_split);
    if (r.decode_split) profile["decode"] = to_json(*r.decode_split);
    return {{"model", options.model},
            {"isa", r.isa.isa},
            {"isa_choice", to_json(r.isa)},
            {"n_threads", r.n_threads},
            {"threads", options.host_threads ? "host" : "own"},
            {"weights", options.mapped ? "mapped" : "packed"},
            {"kv", options.kv},
            {"n_prompt", options.n_prompt},
            {"n_decode", options.n_decode},
            {"depth", options.depth},
            {"repeats", options.repeats},
            {"prefill_tps", r.prefill_tps},
            {"decode_tps", r.decode_tps},
            {"load_ms", r.load_ms},
            {"memory_bytes", r.memory_bytes},
            {"peak_rss_bytes", r.peak_rss_bytes},
            {"weight_bytes_per_token", r.work.bytes},
            {"cache_bytes_per_token", r.cache_bytes},
            {"int8_tops", r.limits.int8_ops / 1e12},
            {"f32_tflops", r.limits.f32_ops / 1e12},
            {"read_gbps", r.limits.read_bytes / 1e9},
            {"prefill_share", r.prefill_share(options.n_prompt)},
            {"prefill_share_of", r.work.quantised ? "int8_tops" : "f32_tflops"},
            {"decode_share", r.decode_share()},
            {"decode_share_of", "read_gbps"},
            {"profile", std::move(profile)}};
}

void print(const Options& options, const Result& r) {
    std::cout << fmt::format("{}, {} {} threads, {} weights, {} cache\n", options.model, r.n_threads,
                             options.host_threads ? "host's" : "own", options.mapped ? "mapped" : "packed", options.kv);
    std::cout << text(r.isa);
    const std::string at = options.depth == 0 ? "" : fmt::format(" at {}", options.depth);
    if (options.n_prompt != 0) {
        std::cout << fmt::format("prefill of {}{}: {:.1f} t/s, {:.0f} % of the {} rate\n", options.n_prompt, at,
                                 r.prefill_tps, 100 * r.prefill_share(options.n_prompt),
                                 r.work.quantised ? "int8" : "float32");
    }
    if (options.n_decode != 0) {
        std::cout << fmt::format("decode of {}{}: {:.1f} t/s, {:.0f} % of the memory read rate\n", options.n_decode, at,
                                 r.decode_tps, 100 * r.decode_share());
    }
    std::cout << fmt::format("load {:.0f} ms, memory {:.1f} MB, peak resident {:.1f} MB\n", r.load_ms,
                             static_cast<double>(r.memory_bytes) / 1e6, static_cast<double>(r.peak_rss_bytes) / 1e6);
    std::cout << fmt::format("limits: int8 {:.2f} TOPS, float32 {:.2f} TFLOPS, reads {:.1f} GB/s\n",
                             r.limits.int8_ops / 1e12, r.limits.f32_ops / 1e12, r.limits.read_bytes / 1e9);
    if (r.prefill_split) {
        std::cout << fmt::format("a prompt of {}{} takes {:.1f} ms:\n{}", options.n_prompt, at,
                                 r.prefill_split->seconds * 1e3, table(*r.prefill_split));
    }
    if (r.decode_split) {
        std::cout << fmt::format("a token{} takes {:.2f} ms:\n{}", at, r.decode_split->seconds * 1e3 / options.n_decode,
                                 table(*r.decode_split));
    }
}

void bench(const Options& options) {
    const Result result = measure(options);
    if (options.json) {
        std::cout << to_json(options, result).dump(1) << '\n';
    } else {
        print(options, result);
    }
}

}  // namespace

void add_bench(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "bench", "Measure speed and memory",
        "Measures tokens per second of prefill (a prompt, many tokens in a pass) and of decode (one token after the "
        "other), medians of several repeats after a warm-up, with load time and peak memory. Then it measures the "
        "machine with the same threads and gives each speed as a share of what the machine can do: prefill of its "
        "8-bit "
        "(for float files: float32) arithmetic, decode of its memory reads. Close other programs.",
        "linnet bench model.gguf -p 512 -n 64 -t 2 --json");
    add_model_argument(command, *options);
    constexpr std::uint64_t kMost = 1 << 24;
    command.add_option("-p,--prompt", &options->n_prompt, "Tokens of the prompt; 0: none",
                       {.show_default = true, .most = kMost});
    command.add_option("-n,--tokens", &options->n_decode, "Tokens to decode; 0: none",
                       {.show_default = true, .most = kMost});
    command.add_option("-d,--depth", &options->depth, "Tokens that are in the cache before",
                       {.show_default = true, .most = kMost});
    command.add_option("-r,--repeats", &options->repeats, "Repeats, of which the median counts",
                       {.show_default = true, .least = 1, .most = 1000});
    add_kv_option(command, *options);
    add_engine_options(command, *options);
    add_chunk_option(command, *options);
    add_mapped_option(command, *options);
    command.add_option(
        "--profile", &options->profile,
        "Then measure how the time of a prompt and of a token splits into parts, choosing a token included");
    command.add_option("--host-threads", &options->host_threads,
                       "Compute through a host's parallel_for (a small pool of the program) instead of own threads");
    command.add_option("--json", &options->json, "Print a JSON object");
    command.on_run([options] { bench(*options); });
}

}  // namespace tools
