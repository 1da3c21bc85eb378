// SPDX-License-Identifier: MIT
// Options that several subcommands share, spelled and explained once.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "cache/kv_cache.hpp"

namespace tools {

struct EngineOptions {
    std::uint32_t n_threads = 0;  // 0: the library's default; likewise below
    std::string isa;
};

struct ModelOptions : EngineOptions {
    std::string model;
    bool mapped = false;
};

struct SessionOptions : ModelOptions {
    std::uint32_t n_ctx = 0;
    std::string kv = "f16";
};

// Options of commands that compute logits for many positions in one pass.
struct PassOptions : SessionOptions {
    std::uint32_t chunk = 0;  // 0: default_chunk
};

inline void add_model_argument(CLI::App& command, ModelOptions& options) {
    command.add_option("MODEL", options.model, "GGUF file (the first one of split files)")->required();
}

inline void add_engine_options(CLI::App& command, EngineOptions& options) {
    command.add_option("-t,--threads", options.n_threads, "Threads to compute with (default: all cores)")
        ->check(CLI::Range(1, 1024));
    command.add_option("--isa", options.isa,
                       "Instruction set: scalar, avx2, avx512vnni ... (default: the best one; results are the same)");
}

inline void add_mapped_option(CLI::App& command, ModelOptions& options) {
    command.add_flag("--mapped", options.mapped,
                     "Use the weights where the file is instead of repacking them in memory");
}

inline void add_kv_option(CLI::App& command, SessionOptions& options) {
    command.add_option("--kv", options.kv, "Type of the KV cache")
        ->check(CLI::IsMember({"f16", "f32", "q8_0"}))
        ->capture_default_str();
}

inline linnet::KvType kv_type(std::string_view name) {
    return name == "f32" ? linnet::KvType::f32 : name == "q8_0" ? linnet::KvType::q8 : linnet::KvType::f16;
}

inline void add_session_options(CLI::App& command, SessionOptions& options) {
    command.add_option("-c,--ctx", options.n_ctx, "Context: positions that the KV cache can hold")
        ->check(CLI::Range(1U, 1U << 30));
    add_kv_option(command, options);
}

inline void add_chunk_option(CLI::App& command, PassOptions& options) {
    command.add_option("--chunk", options.chunk, "Tokens per pass (results do not depend on it)")
        ->check(CLI::Range(1, 65536));
}

}  // namespace tools
