// SPDX-License-Identifier: MIT
// The built-in templates against renderings of the templates that models of the family carry (by transformers): plain
// conversations have to give the same text.
#include "chat/family.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "chat/support.hpp"
#include "support/fixtures.hpp"

namespace chat = linnet::chat;
using Json = nlohmann::ordered_json;

namespace {

std::string render(const chat::Family& family, const std::string& json, const Json& meta) {
    const auto bos = meta.value("bos_token", ""), eos = meta.value("eos_token", "");
    const auto outcome = chat_test::outcome([&](linnet::Memory& memory) {
        chat::Arena arena(memory, 1 << 24, 1 << 24);
        const chat::Value request = chat::parse_json(arena, json, "case");
        const auto parsed = chat::Template::parse(chat::template_of(family), memory);
        return std::string(render_conversation(parsed, request, {bos, eos}, {}, arena));
    });
    return outcome.error.empty() ? outcome.text : "error: " + outcome.error;
}

bool has_word(std::string_view words, const std::string& word) {
    return (" " + std::string(words) + " ").find(" " + word + " ") != std::string::npos;
}

constexpr std::string_view kTags[] = {"user",    "user-noprompt", "system-user", "multi-turn", "multi-turn-noprompt",
                                      "unicode", "whitespace",    "long",        "lookalike",  "empty-assistant"};

struct Pair {
    const char *family, *folder;
    std::string_view except;    // tags in which the model's own template has ways that no plain one needs
    std::string_view own = {};  // what only the model's own begins with
    bool bos = false;           // only the built-in one begins with BOS
};
// Phi's templates close what has no prompt with <|endoftext|>, gpt-oss's with <|return|>, Llama 3's always adds one.
constexpr std::string_view kClosed = "user-noprompt multi-turn-noprompt";
// Mistral's later templates put the system's message into the last of the user's.
constexpr std::string_view kSystemLate = "multi-turn multi-turn-noprompt unicode whitespace long lookalike";
// Gemma 4's shows that nothing was thought where the answer begins, GLM's before every answer.
constexpr std::string_view kPrompted = "user system-user multi-turn unicode whitespace long lookalike empty-assistant";
constexpr std::string_view kAnswered =
    "multi-turn multi-turn-noprompt unicode whitespace long lookalike empty-assistant";
constexpr std::string_view kHarmonySystem =
    "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\n"
    "Current date: 2025-03-09\n\nReasoning: medium\n\n# Valid channels: analysis, commentary, final. Channel must be "
    "included for every message.<|end|>";
constexpr Pair kPairs[] = {
    {"chatml", "chatml", ""},
    {"llama-3", "llama-3", kClosed},
    {"gemma", "gemma-3", "whitespace"},
    {"phi-3", "phi-3-mini", kClosed},
    {"phi-4", "phi-4", "user-noprompt"},
    {"phi-4-mini", "phi-4-mini", kClosed},
    {"zephyr", "tinyllama-zephyr", ""},
    {"mistral-v1", "mistral-v1", "system-user"},
    {"mistral-v7", "mistral-v7", ""},
    {"mistral-nemo", "mistral-nemo", kSystemLate},
    {"deepseek", "deepseek-v3", ""},
    {"command-r", "command-r-plus", "whitespace"},
    {"openchat", "openchat", "system-user"},
    {"mistral-v3", "mistral-v3", kSystemLate},
    {"vicuna", "vicuna", "", "", true},
    {"gemma-4", "gemma-4", kPrompted},
    {"gpt-oss", "gpt-oss", "multi-turn-noprompt", kHarmonySystem},
    {"glm-4", "glm-4.6", kAnswered},
};

}  // namespace

TEST_CASE("families: the built-in templates say what the models' own ones say") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    int n = 0;
    for (const Pair& pair : kPairs) {
        const chat::Family* const family = chat::find_family(pair.family);
        REQUIRE(family != nullptr);
        const auto folder = *shared / "templates" / pair.folder;
        std::ifstream meta_file(folder / "meta.json"), cases(folder / "cases.jsonl");
        const Json meta = Json::parse(meta_file);
        for (std::string line; std::getline(cases, line);) {
            const Json expected = Json::parse(line);
            const auto tag = expected["tag"].get<std::string>();
            if (!expected.contains("expected") || has_word(pair.except, tag)) continue;
            if (std::find(std::begin(kTags), std::end(kTags), tag) == std::end(kTags)) continue;
            INFO(std::string(pair.folder), " ", tag);
            const std::string begin = pair.bos ? meta["bos_token"].get<std::string>() : "";
            CHECK(std::string(pair.own) + render(*family, line, meta) ==
                  begin + expected["expected"].get<std::string>());
            ++n;
        }
    }
    CHECK(n == 141);
}

TEST_CASE("families: published vocabularies belong to theirs") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    struct Case {
        const char *folder, *architecture, *family;
    };
    constexpr Case kCases[] = {
        {"llama-spm", "llama", "llama-2"},
        {"llama3.2", "llama", "llama-3"},
        {"gemma3", "gemma3", "gemma"},
        {"qwen3", "qwen3", "chatml"},
        {"mistral-nemo", "llama", "mistral-nemo"},
        {"mistral-v3", "llama", "mistral-v3"},
        {"phi-3", "phi3", "phi-3"},
        {"phi-4-mini", "phi3", "phi-4-mini"},
        {"deepseek-v3", "llama", "deepseek"},
        {"gpt-2", "gpt2", ""},
    };
    linnet::Memory memory;
    for (const Case& c : kCases) {
        const auto path = *shared / "tokenizers" / c.folder / "vocab.gguf";
        const auto file = linnet::gguf::File::open(path.string(), true, memory);
        const linnet::Tokenizer tokenizer(file, memory, {});
        const chat::Family* const family = chat::family_of(tokenizer, c.architecture, memory);
        CHECK((family != nullptr ? family->name : "") == c.family);
    }
}

TEST_CASE("families: those that have no fixture, as their publishers document them") {
    const std::string conversation = R"({"messages": [{"role": "system", "content": "S"},
        {"role": "user", "content": "U1"}, {"role": "assistant", "content": "A1"}, {"role": "user", "content": "U2"}],
        "add_generation_prompt": true})";
    CHECK(render(*chat::find_family("llama-2"), conversation, Json::object()) ==
          "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nU1 [/INST] A1 </s><s>[INST] U2 [/INST]");
    CHECK(render(*chat::find_family("olmo-2"), conversation, Json{{"bos_token", "<|endoftext|>"}}) ==
          "<|endoftext|><|system|>\nS\n<|user|>\nU1\n<|assistant|>\nA1<|endoftext|>\n<|user|>\nU2\n<|assistant|>\n");
    CHECK(render(*chat::find_family("glm-4"), conversation, Json::object()) ==
          "[gMASK]<sop><|system|>\nS<|user|>\nU1<|assistant|>\nA1<|user|>\nU2<|assistant|>");
    CHECK(render(*chat::find_family("plain"), conversation, Json::object()) == "S\n\nU1\n\nA1\n\nU2\n\n");
    CHECK(
        render(*chat::find_family("granite"), conversation, Json::object()) ==
        "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U1<|end_of_text|>"
        "\n<|start_of_role|>assistant<|end_of_role|>A1<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U2"
        "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>");
}

TEST_CASE("families: names are unique, what they do not know is an error and never left out") {
    std::set<std::string_view> names;
    for (const chat::Family& family : chat::families()) {
        CHECK(names.insert(family.name).second);
        const std::string tool = R"({"messages": [{"role": "tool", "content": "12"}]})";
        CHECK(render(family, tool, Json::object()) == "error: the built-in template knows no role tool");
    }
    CHECK(chat::find_family("nobody") == nullptr);
}
