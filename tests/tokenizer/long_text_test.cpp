// SPDX-License-Identifier: MIT
// llama.cpp 9715, 14655, 15594, 21257, 21919, 26965, 27783: texts on which backtracking or recursive tokenizers die.
// 10 MB of one thing, for every pre-tokenizer, on a thread with a stack of 256 KiB, in linear time.
#include <doctest/doctest.h>
#include <pthread.h>

#include <ctime>
#include <exception>
#include <functional>

#include "support/sanitized.hpp"
#include "support/tokenizer.hpp"
#include "tokenizer/pre_tokenizer.hpp"

using linnet::Token;
using linnet::TokenKind;
using tokenizer_support::Made;
using tokenizer_support::Vocabulary;

namespace {

constexpr std::size_t kMega = fixtures::kSanitized ? 20 << 10 : 1 << 20;

std::string repeat(std::string_view unit, std::size_t size) {
    std::string text;
    text.reserve(size + unit.size());
    while (text.size() < size) text += unit;
    return text;
}

constexpr std::string_view kMark = "\xCC\x81";  // U+0301
constexpr std::string_view kWhole[] = {"a", " ", kMark};
// What else could make a scanner look at the same text again and again: 1 MB is enough to show it.
constexpr std::string_view kUnits[] = {
    "A",
    "\n",
    " \n",
    "\t",
    "1",
    "\xC2\xA0",
    "!",
    "/",
    "'",
    "\xE4\xB8\xAD",
    "\xF0\x9F\x98\x80",
    "\xFF",
    "\xE2\x82",
    "a ",
    "aA",
    "A\xCC\x81",
    "'s",
    " 's",
    "1 ",
    "<|",
    "\xE0\xA4\x95\xE0\xA5\x8D",
};

// Runs `body` on a small stack; what it throws is thrown here.
void on_small_stack(const std::function<void()>& body) {
    struct Job {
        const std::function<void()>* body;
        std::exception_ptr error;
    } job{&body, nullptr};
    pthread_attr_t attributes;
    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setstacksize(&attributes, 256 << 10) == 0);
    pthread_t thread;
    const auto run = [](void* user) -> void* {
        auto& given = *static_cast<Job*>(user);
        try {
            (*given.body)();
        } catch (...) {
            given.error = std::current_exception();
        }
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, &attributes, run, &job) == 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    if (job.error) std::rethrow_exception(job.error);
}

double seconds_of(const std::function<void()>& body) {
    const std::clock_t start = std::clock();  // of the processor: the machine may have other work
    body();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// Far above what sanitizers need, far below what anything quadratic takes.
constexpr double kLimit = 60;

void check_round_trip(const linnet::Tokenizer& tokenizer, const std::string& text) {
    CAPTURE(text.substr(0, 40));
    std::string decoded;
    const double seconds = seconds_of([&] {
        on_small_stack(
            [&] { decoded = tokenizer_support::decode(tokenizer, tokenizer_support::encode(tokenizer, text)); });
    });
    CHECK(seconds < kLimit);
    CHECK_MESSAGE(decoded == text, "the text did not come back");
}

void check_words(const std::string& text) {
    CAPTURE(text.substr(0, 40));
    for (const char* name : {"gpt-2", "llama-bpe", "qwen35", "gpt-4o", "smollm", "falcon", "deepseek-llm",
                             "deepseek-coder", "deepseek-v3", "kimi-k2", "youtu"}) {
        CAPTURE(name);
        std::size_t size = 0;
        const double seconds = seconds_of([&] {
            on_small_stack([&] {
                linnet::WordScanner scanner(*linnet::find_pre_tokenizer(name), text);
                for (std::string_view word; scanner.next(word);) size += word.size();
            });
        });
        CHECK(seconds < kLimit);
        CHECK(size == text.size());
    }
}

}  // namespace

TEST_CASE("10 MB of one thing: pre-tokenizers") {
    for (const std::string_view unit : kWhole) check_words(repeat(unit, 10 * kMega) + "x");
    for (const std::string_view unit : kUnits) check_words(repeat(unit, kMega) + "x");
}

TEST_CASE("10 MB of one thing: byte-level BPE") {
    Vocabulary vocabulary = tokenizer_support::byte_vocabulary();
    for (const char* c : {"a", "A", "1", "!", "\xC4\xA0"}) {  // the last: a space
        std::string run = c;
        for (int i = 0; i < 5; ++i) {
            vocabulary.merge(run, run);
            run += run;
        }
    }
    vocabulary.merge(tokenizer_support::gpt2_char(0xCC), tokenizer_support::gpt2_char(0x81));
    const Made gpt2(vocabulary);
    for (const std::string_view unit : kWhole) check_round_trip(*gpt2, repeat(unit, 10 * kMega));
    vocabulary.pre = "llama-bpe";
    const Made llama(vocabulary);
    for (const std::string_view unit : kUnits) check_round_trip(*llama, repeat(unit, kMega));
    // NFC on the way, with marks that have to be sorted.
    vocabulary.pre = "qwen2";
    const Made qwen(vocabulary);
    check_round_trip(*qwen, repeat(kMark, kMega));
    std::size_t n = 0;
    on_small_stack([&] { n = tokenizer_support::encode(*qwen, "a" + repeat("\xCC\x81\xCC\xA3", kMega)).size(); });
    CHECK(n > kMega / 4);
}

TEST_CASE("10 MB of one thing: SentencePiece") {
    Vocabulary vocabulary = tokenizer_support::sentencepiece_vocabulary();
    for (const std::string_view c : {std::string_view("a"), std::string_view("\xE2\x96\x81"), kMark}) {
        std::string run(c);
        for (int i = 0; i < 5; ++i) {
            if (run != "\xE2\x96\x81") vocabulary.add(run, TokenKind::normal, static_cast<float>(-i));
            run += run;
        }
    }
    const Made made(vocabulary);
    for (const std::string_view unit : kWhole) check_round_trip(*made, repeat(unit, 10 * kMega));
    for (const std::string_view unit : kUnits) check_round_trip(*made, repeat(unit, kMega));
}

TEST_CASE("10 MB of one thing: unigram") {
    Vocabulary vocabulary;
    vocabulary.model = "t5";
    vocabulary.add("<unk>", TokenKind::unknown);
    for (const std::string_view c : {std::string_view("a"), std::string_view("\xE2\x96\x81"), kMark}) {
        std::string run(c);
        for (int i = 0; i < 5; ++i, run += run) vocabulary.add(run, TokenKind::normal, static_cast<float>(-i));
    }
    auto writer = vocabulary.writer();
    writer.add_u32("tokenizer.ggml.unknown_token_id", 0);
    writer.add_bool("tokenizer.ggml.remove_extra_whitespaces", false);
    const Made made(writer);
    for (const std::string_view unit : kWhole) check_round_trip(*made, repeat(unit, 3 * kMega));
    for (const std::string_view unit : kUnits) {
        CAPTURE(unit);
        const double seconds =
            seconds_of([&] { on_small_stack([&] { tokenizer_support::encode(*made, repeat(unit, kMega)); }); });
        CHECK(seconds < kLimit);
    }
}

TEST_CASE("10 MB of one thing: WordPiece") {
    Vocabulary vocabulary;
    vocabulary.model = "bert";
    vocabulary.add("[UNK]", TokenKind::control);
    for (const char* text : {"a",
                             "\xE2\x96\x81"
                             "a",
                             "\xE2\x96\x81!"})
        vocabulary.add(text);
    const Made made(vocabulary);
    const auto check = [&](std::string_view unit, std::size_t size) {
        CAPTURE(unit);
        const double seconds =
            seconds_of([&] { on_small_stack([&] { tokenizer_support::encode(*made, repeat(unit, size)); }); });
        CHECK(seconds < kLimit);
    };
    for (const std::string_view unit : kWhole) check(unit, 10 * kMega);
    for (const std::string_view unit : kUnits) check(unit, kMega);
    check("\xCC\x81\xCC\xA3", kMega);  // marks that have to be sorted
}

TEST_CASE("10 MB and 1000 special tokens") {
    Vocabulary vocabulary = tokenizer_support::byte_vocabulary();
    for (int i = 0; i < 1000; ++i) vocabulary.add(fmt::format("<|reserved_special_token_{}|>", i), TokenKind::control);
    const Made made(vocabulary);
    for (const std::string_view unit : {"<|reserved_special_token_", "<|reserved_special_token_77|>", "<", "abc "}) {
        check_round_trip(*made, repeat(unit, 10 * kMega));
    }
}
