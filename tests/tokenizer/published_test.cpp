// SPDX-License-Identifier: MIT
// Real vocabularies against the ids, texts and pieces that Hugging Face's implementations give for them.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "support/fixtures.hpp"
#include "support/sanitized.hpp"
#include "support/tokenizer.hpp"

namespace {

using linnet::Token;
using nlohmann::json;

const char* const kVocabularies[] = {
    "llama-spm",   "phi-3", "mistral-v3", "gemma3",   "gpt-2",        "starcoder",  "deepseek-coder",
    "deepseek-v3", "qwen3", "falcon",     "llama3.2", "mistral-nemo", "phi-4-mini",
};

std::vector<json> read_lines(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file, "cannot read " << path.string());
    std::vector<json> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
    return lines;
}

std::string from_hex(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

void check_cases(const linnet::Tokenizer& tokenizer, const std::filesystem::path& path) {
    std::size_t n_passed = 0;
    const auto lines = read_lines(path);
    for (const json& line : lines) {
        const auto text = line.at("text").get<std::string>();
        const bool equal =
            tokenizer_support::encode(tokenizer, text, line.at("add_special"), line.at("parse_special")) ==
            line.at("ids").get<std::vector<Token>>();
        n_passed += equal;
        CHECK_MESSAGE(equal, line.at("cat") << ": " << line.at("text").dump(-1, ' ', true).substr(0, 400));
    }
    MESSAGE(path.string() << ": " << n_passed << "/" << lines.size());
}

void check_detokenisation(const linnet::Tokenizer& tokenizer, const std::filesystem::path& path) {
    std::size_t n_passed = 0;
    const auto lines = read_lines(path);
    for (const json& line : lines) {
        const auto ids = line.at("ids").get<std::vector<Token>>();
        const bool skip = line.at("skip_special");
        std::vector<std::string> pieces;
        for (const auto& hex : line.at("pieces_hex")) pieces.push_back(from_hex(hex));
        bool equal = pieces.size() == ids.size();
        for (std::size_t i = 0; equal && i < ids.size(); ++i) {
            equal = tokenizer_support::piece(tokenizer, ids[i], !skip) == pieces[i];
        }
        // null: not valid UTF-8, so that there is no text to compare with.
        if (!line.at("text").is_null()) {
            const std::string text = tokenizer_support::decode(tokenizer, ids, skip);
            equal = equal && tokenizer_support::replace_invalid(text) == line.at("text").get<std::string>();
            equal = equal && tokenizer_support::stream(tokenizer, ids, skip) == line.at("text").get<std::string>();
        }
        n_passed += equal;
        CHECK_MESSAGE(equal, line.dump().substr(0, 400));
    }
    MESSAGE(path.string() << ": " << n_passed << "/" << lines.size());
}

// The bytes come back, or the text with U+FFFD for what is invalid; without the characters that the vocabulary cannot
// express at all (Falcon lacks some control characters, which Hugging Face drops as well).
void check_invalid_utf8(const linnet::Tokenizer& tokenizer, const std::filesystem::path& path) {
    for (const json& line : read_lines(path)) {
        const std::string bytes = from_hex(line.at("bytes_hex"));
        std::string replaced = tokenizer_support::replace_invalid(bytes);
        std::erase_if(replaced, [&](char c) {
            return c >= 0 && c < ' ' && tokenizer_support::encode(tokenizer, std::string(1, c)).empty();
        });
        for (const bool parse_special : {false, true}) {
            const auto ids = tokenizer_support::encode(tokenizer, bytes, false, parse_special);
            const std::string text = tokenizer_support::decode(tokenizer, ids, false);
            const bool equal = text == bytes || tokenizer_support::replace_invalid(text) == replaced;
            CHECK_MESSAGE(equal, line.at("bytes_hex").get<std::string>());
        }
    }
}

// The merges that Hugging Face's converter derives from a SentencePiece vocabulary: each way to cut a token into two,
// by descending score of the token, then by the ids of the two.
std::vector<std::string> make_merges(const std::vector<std::string>& tokens, std::span<const float> scores) {
    std::unordered_map<std::string_view, std::size_t> ids;
    for (std::size_t i = 0; i < tokens.size(); ++i) ids.emplace(tokens[i], i);
    struct Cut {
        float score;
        std::size_t token, left, right;
    };
    std::vector<Cut> cuts;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const std::string_view text = tokens[i];
        for (std::size_t at = 1; at < text.size(); ++at) {
            const auto left = ids.find(text.substr(0, at)), right = ids.find(text.substr(at));
            if (left != ids.end() && right != ids.end()) cuts.push_back({scores[i], i, left->second, right->second});
        }
    }
    std::sort(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) {
        return std::tuple(-a.score, a.token, a.left, a.right) < std::tuple(-b.score, b.token, b.left, b.right);
    });
    std::vector<std::string> merges;
    for (const Cut& cut : cuts) merges.push_back(tokens[cut.left] + " " + tokens[cut.right]);
    return merges;
}

}  // namespace

TEST_CASE("published vocabularies: ids, texts and pieces equal Hugging Face's") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    for (const std::string name : kVocabularies) {
        CAPTURE(name);
        const auto folder = *shared / "tokenizers" / name;
        linnet::Memory memory;
        const auto file = linnet::gguf::File::open((folder / "vocab.gguf").string(), true, memory);
        const linnet::Tokenizer tokenizer(file, memory, {});
        check_cases(tokenizer, folder / "cases.jsonl");
        check_detokenisation(tokenizer, folder / "detok.jsonl");
        check_invalid_utf8(tokenizer, *shared / "tokenizers" / "invalid_utf8.jsonl");
    }
}

TEST_CASE("published WordPiece vocabulary: ids equal Hugging Face's, and the words come back") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    const auto folder = *shared / "tokenizers" / "bert-bge";
    linnet::Memory memory;
    const auto file = linnet::gguf::File::open((folder / "vocab.gguf").string(), true, memory);
    const linnet::Tokenizer tokenizer(file, memory, {});
    check_cases(tokenizer, folder / "cases.jsonl");
    // Normalisation loses the text itself, but what is left of it is written out in the tokens.
    constexpr Token kUnknown = 100;
    std::size_t n_texts = 0;
    for (const json& line : read_lines(folder / "cases.jsonl")) {
        const auto ids = line.at("ids").get<std::vector<Token>>();
        if (std::count(ids.begin(), ids.end(), kUnknown) != 0 || line.at("add_special")) continue;
        const std::string text = tokenizer_support::decode(tokenizer, ids);
        CHECK(tokenizer_support::stream(tokenizer, ids, false) == text);
        CHECK_MESSAGE(tokenizer_support::encode(tokenizer, text) == ids, line.dump().substr(0, 400));
        ++n_texts;
    }
    CHECK(n_texts > 300);
    for (const json& line : read_lines(*shared / "tokenizers" / "invalid_utf8.jsonl")) {
        const std::string bytes = from_hex(line.at("bytes_hex"));
        CHECK(tokenizer_support::encode(tokenizer, bytes) ==
              tokenizer_support::encode(tokenizer, tokenizer_support::replace_invalid(bytes)));
    }
}

TEST_CASE("Gemma's vocabulary by merges, as Gemma 4's files have it, gives the same ids") {
    const auto shared = fixtures::shared();
    if (!shared || fixtures::kSanitized) {
        MESSAGE("skipped: ../shared is not there, or this is too slow with sanitizers");
        return;
    }
    const auto folder = *shared / "tokenizers" / "gemma3";
    linnet::Memory memory;
    const auto file = linnet::gguf::File::open((folder / "vocab.gguf").string(), true, memory);
    const auto texts = file.strings("tokenizer.ggml.tokens", memory);
    const auto kinds = file.i32s("tokenizer.ggml.token_type", memory);
    const auto scores = file.f32s("tokenizer.ggml.scores", memory);
    REQUIRE((texts && kinds && scores));
    tokenizer_support::Vocabulary vocabulary;
    vocabulary.model = "gemma4";
    vocabulary.pre = "";
    vocabulary.tokens.assign(texts->begin(), texts->end());
    vocabulary.kinds.assign(kinds->begin(), kinds->end());
    vocabulary.merges = make_merges(vocabulary.tokens, *scores);
    auto writer = vocabulary.writer();
    for (const char* key : {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"}) {
        writer.add_u32(key, *file.u32(key));
    }
    const tokenizer_support::Made made(writer);
    check_cases(*made, folder / "cases.jsonl");
    check_detokenisation(*made, folder / "detok.jsonl");
    check_invalid_utf8(*made, *shared / "tokenizers" / "invalid_utf8.jsonl");
}
