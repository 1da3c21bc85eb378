// SPDX-License-Identifier: MIT
// Unigram vocabularies: against SentencePiece's own results (tests/fixtures/tokenizer/make_unigram.py), on small
// vocabularies whose best cuts are summed by hand, and what files may say wrongly about them.
#include <doctest/doctest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "support/fixtures.hpp"
#include "support/tokenizer.hpp"

using linnet::kNoToken;
using linnet::Token;
using linnet::TokenKind;
using nlohmann::json;
using tokenizer_support::decode;
using tokenizer_support::encode;
using tokenizer_support::Made;
using tokenizer_support::Vocabulary;
using Ids = std::vector<Token>;

namespace {

constexpr const char* kCharsmap = "tokenizer.ggml.precompiled_charsmap";
#define SPACE "\xE2\x96\x81"

std::string from_hex(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

std::vector<std::int32_t> numbers(const std::string& bytes) {
    std::vector<std::int32_t> result;
    for (const char byte : bytes) result.push_back(static_cast<unsigned char>(byte));
    return result;
}

std::vector<json> fixture() {
    std::ifstream file(fixtures::local() / "tokenizer" / "unigram.jsonl", std::ios::binary);
    REQUIRE(file);
    std::vector<json> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
    return lines;
}

linnet::gguf::Writer writer_of(const json& model, const std::string& charsmap) {
    Vocabulary vocabulary;
    vocabulary.model = "t5";
    vocabulary.tokens = model.at("pieces").get<std::vector<std::string>>();
    vocabulary.scores = model.at("scores").get<std::vector<float>>();
    vocabulary.kinds = model.at("kinds").get<std::vector<std::int32_t>>();
    auto writer = vocabulary.writer();
    if (!charsmap.empty()) writer.add_i32s(kCharsmap, numbers(charsmap));
    writer.add_bool("tokenizer.ggml.add_space_prefix", model.at("space_prefix"));
    writer.add_bool("tokenizer.ggml.remove_extra_whitespaces", model.at("merge_spaces"));
    writer.add_u32("tokenizer.ggml.unknown_token_id", 0);
    return writer;
}

// <pad> </s> <unk>, as T5 has them, then pieces with scores.
Vocabulary t5_vocabulary(const std::vector<std::pair<std::string, float>>& pieces) {
    Vocabulary vocabulary;
    vocabulary.model = "t5";
    vocabulary.add("<pad>", TokenKind::control);
    vocabulary.add("</s>", TokenKind::control);
    vocabulary.add("<unk>", TokenKind::unknown);
    for (const auto& [text, score] : pieces) vocabulary.add(text, TokenKind::normal, score);
    return vocabulary;
}

std::string refusal(const linnet::gguf::Writer& writer) {
    try {
        const Made made(writer);
    } catch (const linnet::Error& error) {
        CHECK(error.status() == linnet::Status::bad_file);
        return error.what();
    }
    return "accepted";
}

std::string unit(std::uint32_t value) {
    std::string bytes;
    for (unsigned shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(value >> shift & 0xFF));
    return bytes;
}

// A double array of 256 units: the root's children are at 1 ^ c, "a" (unit 1 ^ 'a') has its value in unit `value_at`.
std::string charsmap_of_a(std::uint32_t value_at, std::uint32_t value, const std::string& replacements) {
    constexpr std::uint32_t kA = 1 ^ 'a';
    std::vector<std::uint32_t> units(256, 0);
    units[0] = 1 << 10;
    units[kA] = 'a' | 1 << 8 | (kA ^ value_at) << 10;
    if (value_at < units.size()) units[value_at] = value;
    std::string bytes = unit(1024);
    for (const std::uint32_t u : units) bytes += unit(u);
    return bytes + replacements;
}

}  // namespace

TEST_CASE("unigram: ids equal SentencePiece's") {
    std::unique_ptr<const Made> made;
    std::size_t n = 0;
    for (const json& line : fixture()) {
        if (line.contains("pieces")) {
            made = std::make_unique<const Made>(writer_of(line, from_hex(line.at("charsmap"))));
            continue;
        }
        const std::string text = from_hex(line.at("hex"));
        const Ids ids = encode(**made, text, false, false);
        CHECK_MESSAGE(ids == line.at("ids").get<Ids>(), line.dump() << ": " << json(ids).dump());
        ++n;
    }
    CHECK(n == 600);
}

TEST_CASE("unigram: the cut with the highest sum") {
    auto vocabulary = t5_vocabulary({{SPACE, -2}, {"a", -3}, {"b", -3}, {"ab", -7}, {"ba", -2}, {SPACE "a", -4.5F}});
    constexpr Token kUnknown = 2, kSpace = 3, kA = 4, kB = 5, kBa = 7, kSpaceA = 8;
    const Made made(vocabulary);
    CHECK(encode(*made, "").empty());
    CHECK(encode(*made, " ").empty());
    CHECK(encode(*made, "a") == Ids{kSpaceA});         // -4.5, not -2 - 3
    CHECK(encode(*made, "ab") == Ids{kSpaceA, kB});    // -7.5, not -9
    CHECK(encode(*made, "aba") == Ids{kSpaceA, kBa});  // -6.5
    CHECK(encode(*made, "  b   a ") == Ids{kSpace, kB, kSpaceA});
    CHECK(encode(*made, "b" SPACE SPACE "b") == Ids{kSpace, kB, kSpace, kSpace, kB});  // written out, it stays
    CHECK(encode(*made, "b\xCE\xB1\xCE\xB2 \xCE\xB1") == Ids{kSpace, kB, kUnknown, kSpace, kUnknown});
    CHECK(encode(*made, "b\xFF\xC3") == Ids{kSpace, kB, kUnknown});
    CHECK(encode(*made, "a", true) == Ids{kSpaceA, 1});  // </s>
    CHECK(encode(*made, "a</s>a<pad>") == Ids{kSpaceA, 1, kSpaceA, 0});
    CHECK(made->bos() == kNoToken);
    CHECK(made->eos() == 1);
    CHECK(decode(*made, Ids{kSpaceA, kBa, kSpace, kB}) == "aba b");

    // A character that a token covers is never unknown, and one far below the others is cheaper than that.
    CHECK(encode(*Made(t5_vocabulary({{SPACE, 0}, {"a", -500}})), "a") == Ids{kSpace, kA});
    // Of equal sums the first that is found.
    CHECK(encode(*Made(t5_vocabulary({{SPACE, 0}, {"a", -1}, {"aa", -1}, {"aaa", -2}})), "aaa") == Ids{kSpace, 6});
    CHECK(encode(*Made(t5_vocabulary({{SPACE, 0}, {"a", -1}, {"aa", -1}})), "aaa") == Ids{kSpace, kA, 5});

    vocabulary.add("ab", TokenKind::unused, 5);
    vocabulary.add("\xCE\xB1", TokenKind::user_defined, -900);
    vocabulary.add("ba!", TokenKind::control, 9);
    const Made more(vocabulary);
    CHECK(encode(*more, "ab") == Ids{kSpaceA, kB});
    CHECK(encode(*more, "a\xCE\xB1 a") == Ids{kSpaceA, 10, kSpaceA});
    CHECK(encode(*more, "ba!", false, false) == Ids{kSpace, kBa, kUnknown});

    std::pmr::vector<Token> ids;
    made->encode(" a", {false, false, true}, ids);
    made->encode("a", {false, false, true}, ids);
    CHECK(Ids(ids.begin(), ids.end()) == Ids{kSpaceA, kA});
}

TEST_CASE("unigram: what a charsmap replaces") {
    auto vocabulary = t5_vocabulary({{SPACE, -1}, {"a", -1}, {"<", -1}});
    vocabulary.add("b", TokenKind::user_defined);
    const auto ids_of = [&](const std::string& charsmap, const std::string& text) {
        auto writer = vocabulary.writer();
        writer.add_i32s(kCharsmap, numbers(charsmap));
        return encode(*Made(writer), text);
    };
    constexpr Token kUnknown = 2, kSpace = 3, kLess = 5, kB = 6;
    constexpr std::uint32_t kValue = 1U << 31;
    CHECK(ids_of(charsmap_of_a(2, kValue, std::string("b\0", 2)), "aa") == Ids{kSpace, kB, kB});
    CHECK(ids_of(charsmap_of_a(2, kValue | 1, std::string("b\0", 2)), "aa").empty());
    CHECK(ids_of(charsmap_of_a(2, kValue | 2, std::string("b\0 \0", 4)), "a<a<") == Ids{kSpace, kLess, kSpace, kLess});
    CHECK(ids_of(charsmap_of_a(2, kValue, std::string("\xFF\0", 2)), "a<") == Ids{kSpace, kUnknown, kLess});
}

TEST_CASE("unigram: files that are wrong are refused, naming the key") {
    const auto vocabulary = t5_vocabulary({{SPACE, -1}, {"a", -1}});
    const auto with_scores = [&](std::vector<float> scores) {
        auto changed = vocabulary;
        changed.scores = std::move(scores);
        return refusal(changed.writer());
    };
    CHECK(with_scores({}) == "tokenizer.ggml.scores is missing");
    CHECK(with_scores({0, 0, 0}) == "tokenizer.ggml.scores has 3 entries for 5 tokens");
    CHECK(with_scores({0, 0, 0, -1, std::numeric_limits<float>::infinity()}) == "tokenizer.ggml.scores[4] is inf");
    auto wide = vocabulary;
    wide.add(std::string(1025, 'a'));
    CHECK(refusal(wide.writer()) == "tokenizer.ggml.tokens[5]: 1025 bytes are too many for a piece");

    const auto with_charsmap = [&](const std::string& charsmap) {
        auto writer = vocabulary.writer();
        writer.add_i32s(kCharsmap, numbers(charsmap));
        return refusal(writer);
    };
    const std::string key = std::string(kCharsmap) + ": ";
    constexpr std::uint32_t kValue = 1U << 31;
    const std::string b("b\0", 2);
    CHECK(with_charsmap(charsmap_of_a(2, kValue, b)) == "accepted");
    CHECK(with_charsmap("") == "accepted");
    CHECK(with_charsmap("abc") == key + "3 bytes are no charsmap");
    CHECK(with_charsmap(unit(0) + b) == key + "a trie of 0 bytes in 6");
    CHECK(with_charsmap(unit(6) + unit(0) + b) == key + "a trie of 6 bytes in 10");
    CHECK(with_charsmap(unit(8) + unit(0)) == key + "a trie of 8 bytes in 8");
    CHECK(with_charsmap(unit(4) + unit(0) + b) == key + "unit 0 leads to 0, outside of 1 units");
    CHECK(with_charsmap(unit(4) + unit(0xC0000000) + b) == key + "unit 0 is a replacement, no root");
    CHECK(with_charsmap(charsmap_of_a(256, kValue, b)) == key + "unit 96 leads to 256, outside of 256 units");
    CHECK(with_charsmap(charsmap_of_a(2, 0, b)) == key + "unit 96 has no replacement");
    CHECK(with_charsmap(charsmap_of_a(2, kValue | 2, b)) == key + "unit 96 has no replacement");
    CHECK(with_charsmap(charsmap_of_a(2, kValue, "b")) == key + "the last replacement has no end");
    CHECK(with_charsmap(charsmap_of_a(2, kValue, std::string(257, 'b') + b)) ==
          key + "a replacement is longer than 256 bytes");
    auto writer = vocabulary.writer();
    const std::int32_t wrong[] = {4, 0, 0, 256};
    writer.add_i32s(kCharsmap, wrong);
    CHECK(refusal(writer) == std::string(kCharsmap) + "[3]: 256 is no byte");
    auto text = vocabulary.writer();
    text.add_string(kCharsmap, "abc");
    CHECK(refusal(text).find(kCharsmap) != std::string::npos);
}

// Whatever is in a charsmap, it is refused or replaces something.
TEST_CASE("unigram: damaged charsmaps") {
    const json model = fixture().front();
    const std::string charsmap = from_hex(model.at("charsmap"));
    REQUIRE(charsmap.size() > 1000);
    std::mt19937 random(1);
    std::size_t n_accepted = 0;
    for (int i = 0; i < 300; ++i) {
        std::string damaged = charsmap;
        for (int k = 0; k < 1 + i % 8; ++k) damaged[random() % damaged.size()] = static_cast<char>(random());
        if (i % 10 == 0) damaged.resize(random() % damaged.size());
        try {
            const Made made(writer_of(model, damaged));
            std::string text;
            for (int k = 0; k < 200; ++k) text.push_back(static_cast<char>(random()));
            encode(*made, text + "ababab\xE2\x91\xA0\xEF\xB7\xBA");
            ++n_accepted;
        } catch (const linnet::Error& error) {
            CHECK_MESSAGE(std::string(error.what()).find(kCharsmap) != std::string::npos, error.what());
        }
    }
    CHECK(n_accepted > 20);
    CHECK(n_accepted < 300);
}
