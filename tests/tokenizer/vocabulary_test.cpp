// SPDX-License-Identifier: MIT
// Malformed vocabularies: each is refused with the key's name or read by a stated rule; none does harm. The names give
// the reports that the cases come from.
#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <new>

#include "support/tokenizer.hpp"
#include "tokenizer/vocabulary.hpp"

using linnet::kNoToken;
using linnet::Status;
using linnet::Token;
using linnet::TokenKind;
using tokenizer_support::byte_vocabulary;
using tokenizer_support::encode;
using tokenizer_support::Made;
using tokenizer_support::sentencepiece_vocabulary;
using tokenizer_support::Vocabulary;

namespace {

// Checks that reading fails with `status` and a message that has `name` in it.
void check_refused(const linnet::gguf::Writer& writer, Status status, const std::string& name) {
    try {
        const Made made(writer);
        FAIL_CHECK("accepted, but should name " << name);
    } catch (const linnet::Error& error) {
        CHECK(error.status() == status);
        CHECK_MESSAGE(std::string(error.what()).find(name) != std::string::npos, error.what());
    }
}

void check_refused(const Vocabulary& vocabulary, Status status, const std::string& name) {
    check_refused(vocabulary.writer(), status, name);
}

}  // namespace

TEST_CASE("CVE-2025-49847: texts of tokens beyond the limit are refused") {
    // 2^31 + 1 bytes cannot be in a test's file; the limit is far below and refuses before anything is copied.
    Vocabulary vocabulary = byte_vocabulary();
    vocabulary.add(std::string(linnet::Vocabulary::kMaxTextSize, 'a'));
    CHECK(Made(vocabulary)->max_piece_size() == linnet::Vocabulary::kMaxTextSize);
    vocabulary.add(std::string(linnet::Vocabulary::kMaxTextSize + 1, 'a'));
    check_refused(vocabulary, Status::bad_file, "tokenizer.ggml.tokens[257]");

    vocabulary = sentencepiece_vocabulary();
    vocabulary.add(std::string(5000, 'a'), TokenKind::control);
    check_refused(vocabulary, Status::bad_file, "tokenizer.ggml.tokens[260]");
}

TEST_CASE("CVE-2025-52566: a text of INT_MAX bytes is an error, not an overflow") {
    const Made made(byte_vocabulary());
    const std::string text = "abc";
    for (const std::size_t size : {std::size_t{0x7FFFFFFF}, std::size_t{0x80000000u}, ~std::size_t{0}}) {
        std::pmr::vector<Token> ids;
        try {
            made->encode({text.data(), size}, {}, ids);
            FAIL_CHECK("accepted");
        } catch (const linnet::Error& error) {
            CHECK(error.status() == Status::invalid_argument);
        }
        CHECK(ids.empty());
    }
    CHECK(encode(*made, text) == std::vector<Token>{'a', 'b', 'c'});
}

TEST_CASE("GHSA-g4cc-763q-h9h6: special token ids out of range") {
    for (const Vocabulary& vocabulary : {byte_vocabulary(), sentencepiece_vocabulary()}) {
        const auto n = static_cast<std::uint32_t>(vocabulary.tokens.size());
        for (const char* name : {"bos", "eos", "eot", "eom", "unknown"}) {
            const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
            CAPTURE(key);
            const auto with = [&](const std::function<void(linnet::gguf::Writer&)>& add) {
                auto writer = vocabulary.writer();
                add(writer);
                return writer;
            };
            check_refused(with([&](auto& w) { w.add_u32(key, n); }), Status::bad_file, key);
            check_refused(with([&](auto& w) { w.add_u32(key, 0xFFFFFFFE); }), Status::bad_file, key);
            check_refused(with([&](auto& w) { w.add_u64(key, 1ull << 32); }), Status::bad_file, key);
            check_refused(with([&](auto& w) { w.add_i32(key, -2); }), Status::bad_file, key);
            check_refused(with([&](auto& w) { w.add_string(key, "1"); }), Status::bad_file, key);
            // What writers put where there is none.
            const Made minus(with([&](auto& w) { w.add_i32(key, -1); }));
            const Made unsigned_minus(with([&](auto& w) { w.add_u32(key, 0xFFFFFFFF); }));
            const Made last(with([&](auto& w) { w.add_u32(key, n - 1); }));
            const Token expected = static_cast<Token>(n - 1);
            if (std::string(name) == "bos") {
                CHECK(minus->bos() == kNoToken);
                CHECK(unsigned_minus->bos() == kNoToken);
                CHECK(last->bos() == expected);
            } else if (std::string(name) == "eos") {
                CHECK(minus->eos() == kNoToken);
                CHECK(last->eos() == expected);
            }
            const bool ends = std::string(name)[0] == 'e';
            CHECK(last->is_end(expected) == ends);
        }
    }
}

TEST_CASE("ids outside the vocabulary are unknown and empty") {
    const Made made(byte_vocabulary());
    for (const Token token : {-1, -2147483647 - 1, 256, 2147483647}) {
        CHECK(made->kind(token) == TokenKind::unknown);
        CHECK(made->text(token).empty());
        CHECK(tokenizer_support::piece(*made, token).empty());
        CHECK_FALSE(made->is_end(token));
    }
    const std::vector<Token> ids = {'a', -5, 'b', 100000, 'c'};
    CHECK(tokenizer_support::decode(*made, ids) == "abc");
}

TEST_CASE("llama.cpp 27226, 25969, 26511: malformed byte tokens are refused") {
    for (const char* text :
         {"<0x-1>", "<0x1>", "<0x>", "<0x100>", "<0xG0>", "<0x 1>", "<0x+1>", "0x41", "", "<0x41", "<0X41>"}) {
        CAPTURE(text);
        Vocabulary vocabulary = sentencepiece_vocabulary();
        vocabulary.add(text, TokenKind::byte);
        check_refused(vocabulary, Status::bad_file, "tokenizer.ggml.tokens[260]");
    }
    // As plain text it is a token like others.
    Vocabulary vocabulary = sentencepiece_vocabulary();
    const Token token = vocabulary.add("<0x-1>");
    CHECK(tokenizer_support::piece(*Made(vocabulary), token) == "<0x-1>");
}

TEST_CASE("llama.cpp 3634, 7592, 25475, 25508: vocabularies of 0, 1 and 2 tokens") {
    for (const char* model : {"gpt2", "llama", "gemma4", "bert"}) {
        Vocabulary vocabulary;
        vocabulary.model = model;
        for (std::size_t n = 0; n <= 2; ++n) {
            CAPTURE(n);
            // Empty arrays are what a file without tokens has.
            auto writer = vocabulary.writer();
            if (n == 0 && vocabulary.model == "llama") {
                writer.add_f32s("tokenizer.ggml.scores", {});
            }
            const Made made(writer);
            CHECK(made->n_vocab() == n);
            CHECK(made->bos() == kNoToken);
            CHECK(made->eos() == kNoToken);
            CHECK(made->eot() == kNoToken);
            CHECK(encode(*made, "").empty());
            CHECK(encode(*made, "ab c\n\xFF", true).size() <= 6);
            CHECK_FALSE(made->is_end(1));
            vocabulary.add(n == 0 ? "a" : "b");
        }
    }
}

TEST_CASE("llama.cpp 25739, 24885: of duplicate tokens the lowest id is used") {
    Vocabulary bytes = byte_vocabulary();
    const Token first = bytes.merge("a", "b");
    const Token second = bytes.add("ab");
    CHECK(encode(*Made(bytes), "ab") == std::vector<Token>{first});
    CHECK(tokenizer_support::piece(*Made(bytes), second) == "ab");

    Vocabulary pieces = sentencepiece_vocabulary();
    const Token a = pieces.add("a", TokenKind::normal, -1);
    pieces.add("a", TokenKind::normal, 5);
    auto writer = pieces.writer();
    writer.add_bool("tokenizer.ggml.add_space_prefix", false);
    CHECK(encode(*Made(writer), "a") == std::vector<Token>{a});
}

TEST_CASE("duplicate merges: the first has the say") {
    Vocabulary vocabulary = byte_vocabulary();
    const Token ab = vocabulary.merge("a", "b");
    vocabulary.merge("b", "c");
    vocabulary.merges.push_back("a b");
    CHECK(encode(*Made(vocabulary), "abc") == std::vector<Token>{ab, 'c'});
}

TEST_CASE("scores and token types shorter or longer than the tokens are refused") {
    for (const int difference : {-1, 1}) {
        Vocabulary vocabulary = sentencepiece_vocabulary();
        vocabulary.scores.resize(vocabulary.scores.size() + static_cast<std::size_t>(difference));
        check_refused(vocabulary, Status::bad_file, "tokenizer.ggml.scores");
        for (Vocabulary other : {sentencepiece_vocabulary(), byte_vocabulary()}) {
            other.kinds.resize(other.kinds.size() + static_cast<std::size_t>(difference), 1);
            check_refused(other, Status::bad_file, "tokenizer.ggml.token_type");
        }
    }
    Vocabulary vocabulary = sentencepiece_vocabulary();
    vocabulary.scores[5] = std::numeric_limits<float>::quiet_NaN();
    check_refused(vocabulary, Status::bad_file, "tokenizer.ggml.scores[5]");
    vocabulary = byte_vocabulary();
    vocabulary.kinds[7] = 7;
    check_refused(vocabulary, Status::bad_file, "tokenizer.ggml.token_type[7]");
    vocabulary.kinds[7] = -1;
    check_refused(vocabulary, Status::bad_file, "tokenizer.ggml.token_type[7]");
}

TEST_CASE("missing arrays, unknown models and unknown pre-tokenizers are named") {
    linnet::gguf::Writer writer("llama");
    writer.add_string("tokenizer.ggml.model", "gpt2");
    check_refused(writer, Status::bad_file, "tokenizer.ggml.tokens");
    writer.add_strings("tokenizer.ggml.tokens", byte_vocabulary().tokens);
    check_refused(writer, Status::bad_file, "tokenizer.ggml.merges");
    linnet::gguf::Writer pieces("gemma4");
    pieces.add_string("tokenizer.ggml.model", "gemma4");
    pieces.add_strings("tokenizer.ggml.tokens", sentencepiece_vocabulary().tokens);
    check_refused(pieces, Status::bad_file, "tokenizer.ggml.merges");

    Vocabulary vocabulary = sentencepiece_vocabulary();
    vocabulary.scores.clear();
    check_refused(vocabulary, Status::bad_file, "tokenizer.ggml.scores");
    vocabulary = byte_vocabulary();
    vocabulary.pre = "gpt-17";
    check_refused(vocabulary, Status::unsupported, "gpt-17");
    vocabulary.model = "rwkv";
    check_refused(vocabulary, Status::unsupported, "rwkv");
    vocabulary = byte_vocabulary();
    for (const char* merge : {"ab", "a ", ""}) {
        vocabulary.merges = {"a b", merge};
        check_refused(vocabulary, Status::bad_file, "tokenizer.ggml.merges[1]");
    }
}

TEST_CASE("without a vocabulary there is nothing to encode with") {
    linnet::gguf::Writer none("llama");
    linnet::gguf::Writer named("llama");
    named.add_string("tokenizer.ggml.model", "none");
    for (const auto* writer : {&none, &named}) {
        const Made made(*writer);
        CHECK(made->n_vocab() == 0);
        std::pmr::vector<Token> ids;
        try {
            made->encode("a", {}, ids);
            FAIL_CHECK("accepted");
        } catch (const linnet::Error& error) {
            CHECK(error.status() == Status::unsupported);
        }
        CHECK(tokenizer_support::piece(*made, 0).empty());
    }
}

TEST_CASE("texts that were chosen to collide are refused instead of compared for hours") {
    // TokenIndex's hash of eight bytes, run backwards: texts whose hashes differ in the upper bits only. (Should the
    // hash change, the texts are accepted, and this test has to follow it.)
    constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15u, kInverse = 0xF1DE83E19937733Du;
    static_assert(kFactor * kInverse == 1);
    const auto mix = [](std::uint64_t x) { return x * kFactor ^ x * kFactor >> 29; };
    const auto unmix = [](std::uint64_t y) { return (y ^ y >> 29 ^ y >> 58) * kInverse; };
    REQUIRE(unmix(mix(12345678901234567u)) == 12345678901234567u);
    Vocabulary vocabulary = sentencepiece_vocabulary();
    for (std::uint64_t i = 0; i < 500; ++i) {
        const std::uint64_t word = unmix(i << 40) ^ mix(9);
        vocabulary.add(std::string(reinterpret_cast<const char*>(&word), sizeof word));
    }
    CHECK(Made(vocabulary)->n_vocab() == 760);
    for (std::uint64_t i = 500; i < 2000; ++i) {
        const std::uint64_t word = unmix(i << 40) ^ mix(9);
        vocabulary.add(std::string(reinterpret_cast<const char*>(&word), sizeof word));
    }
    check_refused(vocabulary, Status::bad_file, "tokenizer.ggml.tokens");
}

TEST_CASE("out of memory while reading leaves nothing behind") {
    Vocabulary vocabulary = byte_vocabulary();
    vocabulary.merge("a", "b");
    vocabulary.add("<|im_end|>", TokenKind::control);
    SUBCASE("byte-level BPE") {}
    SUBCASE("unigram") {
        vocabulary = sentencepiece_vocabulary();
        vocabulary.model = "t5";
    }
    auto writer = vocabulary.writer();
    if (vocabulary.model == "t5") {  // a charsmap of 256 units, none of which is in use
        std::vector<std::int32_t> charsmap(4 + 1024 + 2, 0);
        charsmap[1] = 4;
        writer.add_i32s("tokenizer.ggml.precompiled_charsmap", charsmap);
    }
    const auto bytes = writer.write_memory();
    linnet::Memory file_memory;
    std::vector<linnet::Source> sources;
    sources.push_back(linnet::Source::from_memory(bytes));
    const auto file = linnet::gguf::File::open(std::move(sources), file_memory);

    struct Budget {
        std::uint64_t left;
        std::int64_t n_blocks = 0;
    };
    const auto alloc = [](void* user, std::size_t size, std::size_t align) -> void* {
        auto& budget = *static_cast<Budget*>(user);
        if (budget.left == 0) return nullptr;
        --budget.left;
        ++budget.n_blocks;
        return ::operator new(size, std::align_val_t(align));
    };
    const auto release = [](void* user, void* ptr, std::size_t, std::size_t align) {
        --static_cast<Budget*>(user)->n_blocks;
        ::operator delete(ptr, std::align_val_t(align));
    };
    std::uint64_t allowed = 0;
    for (bool done = false; !done; ++allowed) {
        REQUIRE(allowed < 1000);
        Budget budget{allowed};
        linnet::Memory memory({&budget, alloc, release});
        try {
            const linnet::Tokenizer tokenizer(file, memory, {});
            done = true;
            CHECK(memory.used() > 0);
        } catch (const linnet::Error& error) {
            CHECK(error.status() == Status::out_of_memory);
        }
        CHECK(budget.n_blocks == 0);
        CHECK(memory.used() == 0);
    }
    CHECK(allowed > 5);
}

TEST_CASE("the same file takes the same memory every time") {
    const auto bytes = sentencepiece_vocabulary().writer().write_memory();
    std::uint64_t used[2];
    for (std::uint64_t& value : used) {
        linnet::Memory file_memory, memory;
        std::vector<linnet::Source> sources;
        sources.push_back(linnet::Source::from_memory(bytes));
        const auto file = linnet::gguf::File::open(std::move(sources), file_memory);
        const linnet::Tokenizer tokenizer(file, memory, {});
        value = memory.used();
    }
    CHECK(used[0] == used[1]);
}
