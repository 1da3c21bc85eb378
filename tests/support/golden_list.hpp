// SPDX-License-Identifier: MIT
// The goldens that the runtime has to agree with: those of the architectures and formats that it knows, and those of
// the default model. A list by name, so that one which is lost from the fixtures is missed.
#pragma once

#include <string>

#include <doctest/doctest.h>

#include "tests/support/golden.hpp"

namespace golden {

inline constexpr const char* kNames[] = {
    "llama",
    "llama3",
    "llama_bias",
    "llama_linear",
    "llama_yarn",
    "smollm2",
    "mistral",
    "mistral_swa",
    "qwen2",
    "qwen3",
    "qwen3_yarn",
    "gemma3",
    "gemma3_1b",
    "phi3",
    "phi3_swa",
    "phi35_long",
    "phi4mini_short",
    "phi4mini_long",
    "gemma",
    "gemma2",
    "ministral3",
    "smollm3",
    "granite",
    "olmo2",
    "olmo3",
    "olmo3_yarn",
    "glm4",
    "ernie45",
    "cohere2",
    "stablelm",
    "stablelm_12b",
    "starcoder2",
    "gpt2",
    "phi2",
    "mixtral",
    "qwen2moe",
    "qwen3moe",
    "olmoe",
    "granitemoe",
    "gpt_oss",
    "phimoe",
    "deepseek2_lite",
    "gemma4",
    "gemma3n",
    "lfm2",
    "qwen35",
    "qwen3next",
    "gemma4_moe",
    "quant_llama_q4_0",
    "quant_llama_q4_1",
    "quant_llama_q5_0",
    "quant_llama_q5_1",
    "quant_llama_q8_0",
    "quant_llama_q4_k_m",
    "quant_llama_q5_k_m",
    "quant_llama_q6_k",
    "quant_llama_q2_k",
    "quant_llama_q3_k_m",
    "quant_llama_iq4_nl",
    "quant_llama_iq4_xs",
    "quant_llama_iq3_s",
    "quant_llama_iq3_xxs",
    "quant_llama_iq2_s",
    "quant_llama_iq2_xs",
    "quant_llama_iq2_xxs",
    "quant_llama_iq1_s",
    "quant_llama_iq1_m",
    "quant_llama_tq1_0",
    "quant_llama_tq2_0",
    "quant_llama_small_bf16",
    "quant_llama_small_f16",
    "quant_qwen3_q4_0",
    "quant_qwen3_q4_k_m",
    "quant_qwen3_q6_k",
    "quant_qwen3_q2_k",
    "quant_qwen3_iq4_xs",
    "quant_gemma3_q3_k_m",
    "quant_gemma3_q4_0",
    "quant_gemma3_q4_k_m",
    "quant_gemma3_q5_k_m",
    "quant_qwen3moe_q4_0",
    "quant_qwen3moe_mxfp4_moe",
    "quant_gpt_oss_mxfp4_moe",
};
// Those of kind 1: states and vectors of texts.
inline constexpr const char* kEmbeddingNames[] = {"bert", "bert_cls", "nomic_bert", "embeddinggemma",
                                                  "qwen3_embedding"};
inline constexpr const char* kDefaultModels[] = {"bf16", "Q8_0", "Q4_K_M", "Q4_0"};

// The repository's own small set.
inline constexpr const char* kLocalNames[] = {"llama3",
                                              "gemma3",
                                              "qwen3",
                                              "phi4mini_long",
                                              "quant_llama_q4_k_m",
                                              "quant_qwen3moe_q4_0",
                                              "quant_gpt_oss_mxfp4_moe"};

// Calls f(name, golden) for every golden of the list, the default model's as "default-model/<type>". Without ../shared
// that is the small set; one line says what was skipped.
template <class F>
void for_each(F f) {
    std::string skipped;
    for (const char* name : kNames) {
        const std::string text = name;
        CAPTURE(text);
        if (const auto folder = find(name)) {
            f(text, load(*folder));
        } else {
            skipped += " " + text;
        }
    }
    const auto shared = fixtures::shared();
    for (const char* type : kDefaultModels) {
        const std::string text = std::string("default-model/") + type;
        CAPTURE(text);
        if (shared && std::filesystem::is_directory(*shared / "default-model")) {
            f(text, load(*shared / "default-model" / "goldens" / type));
        } else {
            skipped += " " + text;
        }
    }
    if (!skipped.empty()) MESSAGE("skipped, not there:" << skipped);
}

}  // namespace golden
