// SPDX-License-Identifier: MIT
// The hand-written scanners against a backtracking engine running the published regular expressions
// (tests/fixtures/tokenizer/make_words.py).
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "support/fixtures.hpp"
#include "tokenizer/pre_tokenizer.hpp"

using nlohmann::json;

TEST_CASE("words: every rule cuts as its regular expression does") {
    std::ifstream file(fixtures::local() / "tokenizer" / "words.jsonl", std::ios::binary);
    REQUIRE(file);
    std::size_t n_lines = 0;
    for (std::string line; std::getline(file, line); ++n_lines) {
        const json entry = json::parse(line);
        const auto text = entry.at("text").get<std::string>();
        for (const auto& item : entry.at("lengths").items()) {
            const std::string& name = item.key();
            const json& lengths = item.value();
            const linnet::PreTokenizerRule* rule = linnet::find_pre_tokenizer(name);
            REQUIRE_MESSAGE(rule != nullptr, name);
            linnet::WordScanner scanner(*rule, text);
            json actual = json::array();
            for (std::string_view word; scanner.next(word);) actual.push_back(word.size());
            CHECK_MESSAGE(actual == lengths, name << " " << entry.at("text").dump(-1, ' ', true) << ": "
                                                  << actual.dump() << " instead of " << lengths.dump());
        }
    }
    CHECK(n_lines >= 100);
}

TEST_CASE("words: all rules give every byte back, once and in order") {
    // Invalid UTF-8 on purpose: the scanners see U+FFFD there, but the words keep the bytes.
    const std::string text = "a\xFF\xFE b\xE2\x82 12\xF0\x9F\x98 c's\xC0\x80\n\xED\xA0\x80 \xF4\x90\x80\x80'\xC5";
    for (const char* name : {"default",       "gpt-2",          "phi-2",
                             "mpt",           "olmo",           "llama-bpe",
                             "llama3",        "llama-v3",       "lfm2",
                             "smaug-bpe",     "dbrx",           "glm4",
                             "chatglm-bpe",   "qwen2",          "deepseek-r1-qwen",
                             "megrez",        "stablelm2",      "qwen35",
                             "gpt-4o",        "llama4",         "tekken",
                             "starcoder",     "smollm",         "refact",
                             "codeshell",     "command-r",      "falcon",
                             "deepseek-llm",  "deepseek-coder", "deepseek-v3",
                             "hunyuan-dense", "kimi-k2",        "youtu",
                             "roberta-bpe",   "gigachat",       "mellum",
                             "a.x-4.0",       "trillion",       "granite-docling",
                             "falcon3",       "pixtral",        "midm-2.0",
                             "minicpm5",      "f2llmv2",        "seed-coder",
                             "kanana2",       "minerva-7b",     "joyai-llm"}) {
        const linnet::PreTokenizerRule* rule = linnet::find_pre_tokenizer(name);
        REQUIRE_MESSAGE(rule != nullptr, name);
        linnet::WordScanner scanner(*rule, text);
        std::string joined;
        for (std::string_view word; scanner.next(word);) {
            REQUIRE(!word.empty());
            joined += word;
        }
        CHECK_MESSAGE(joined == text, name);
    }
    CHECK(linnet::find_pre_tokenizer("") == nullptr);
    CHECK(linnet::find_pre_tokenizer("gpt-3") == nullptr);
}
