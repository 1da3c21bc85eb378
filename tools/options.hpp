// SPDX-License-Identifier: MIT
// Options that several subcommands share, spelled and explained once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cache/kv_cache.hpp"
#include "tools/command_line.hpp"

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

inline void add_model_argument(const Command& command, ModelOptions& options) {
    command.add_option("MODEL", &options.model, "GGUF file (the first one of split files)", {.required = true});
}

inline void add_engine_options(const Command& command, EngineOptions& options) {
    command.add_option("-t,--threads", &options.n_threads, "Threads to compute with (default: all cores)",
                       {.least = 1, .most = 1024});
    command.add_option("--isa", &options.isa,
                       "Instruction set: scalar, avx2, avx512vnni ... (default: the best one; results are the same)");
}

inline void add_mapped_option(const Command& command, ModelOptions& options) {
    command.add_option("--mapped", &options.mapped,
                       "Use the weights where the file is instead of repacking them in memory");
}

inline void add_kv_option(const Command& command, SessionOptions& options) {
    command.add_option("--kv", &options.kv, "Type of the KV cache",
                       {.show_default = true, .one_of = {"f16", "f32", "q8_0"}});
}

inline linnet::KvType kv_type(std::string_view name) {
    return name == "f32" ? linnet::KvType::f32 : name == "q8_0" ? linnet::KvType::q8 : linnet::KvType::f16;
}

inline void add_session_options(const Command& command, SessionOptions& options) {
    command.add_option("-c,--ctx", &options.n_ctx, "Context: positions that the KV cache can hold",
                       {.least = 1, .most = 1U << 30});
    add_kv_option(command, options);
}

inline void add_chunk_option(const Command& command, PassOptions& options) {
    command.add_option("--chunk", &options.chunk, "Tokens per pass (results do not depend on it)",
                       {.least = 1, .most = 65536});
}

}  // namespace tools
