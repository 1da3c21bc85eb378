// SPDX-License-Identifier: MIT
// Streams give complete characters only, and in the end the same text however it was cut.
#include <doctest/doctest.h>

#include "support/tokenizer.hpp"
#include "tokenizer/utf8.hpp"

using tokenizer_support::replace_invalid;

namespace {

// Substitutions from the Unicode standard, section 3.9, tables 3-8 to 3-11, and the limits of each length.
struct Substitution {
    std::string_view bytes, text;
};
#define FFFD "\xEF\xBF\xBD"
constexpr Substitution kSubstitutions[] = {
    {"", ""},
    {"abc", "abc"},
    {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
    {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
    {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B"},
    {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", FFFD FFFD FFFD FFFD "A"},
    {"\xF4\x8F\xBF\xBF\xEE\x80\x80\xED\x9F\xBF\xDF\xBF\x7F", "\xF4\x8F\xBF\xBF\xEE\x80\x80\xED\x9F\xBF\xDF\xBF\x7F"},
    {"\xF0\x9F\x98", FFFD},
    {"\xF0\x9F\x98\x80\xF0\x9F", "\xF0\x9F\x98\x80" FFFD},
};
#undef FFFD

bool is_complete(std::string_view text) { return linnet::utf8::is_valid(text); }

}  // namespace

TEST_CASE("stream: one U+FFFD per maximal invalid subsequence") {
    for (const auto& [bytes, text] : kSubstitutions) CHECK(replace_invalid(bytes) == text);
}

TEST_CASE("stream: every way to cut gives the same text, complete at every moment") {
    for (const auto& [bytes, text] : kSubstitutions) {
        if (bytes.empty()) continue;
        for (std::size_t cuts = 0; cuts < std::size_t{1} << (bytes.size() - 1); ++cuts) {
            linnet::TextStream stream;
            std::pmr::string out;
            std::string chunk;
            for (std::size_t i = 0; i < bytes.size(); ++i) {
                chunk.push_back(bytes[i]);
                if ((cuts >> i & 1) == 0 && i + 1 < bytes.size()) continue;
                stream.push(chunk, out);
                chunk.clear();
                REQUIRE(is_complete(out));
            }
            stream.finish(out);
            REQUIRE(out == text);
        }
    }
}

TEST_CASE("stream: a reset forgets what waits") {
    linnet::TextStream stream;
    std::pmr::string out;
    stream.push("\xE2\x82", out);
    stream.reset();
    stream.push("a", out);
    stream.finish(out);
    CHECK(out == "a");
}

TEST_CASE("stream: pieces of tokens, in any grouping, are the decoded text") {
    auto vocabulary = tokenizer_support::byte_vocabulary();
    vocabulary.merge(tokenizer_support::gpt2_char(0xF0), tokenizer_support::gpt2_char(0x9F));
    const tokenizer_support::Made made(vocabulary);
    const std::string text = "a\xF0\x9F\x98\x80 \xE4\xB8\xAD\xFF\xE2\x82 \xC3\xA9";
    const auto ids = tokenizer_support::encode(*made, text);
    const std::string decoded = tokenizer_support::decode(*made, ids);
    CHECK(decoded == text);
    for (std::size_t split = 0; split <= ids.size(); ++split) {
        const std::span<const linnet::Token> all(ids);
        CHECK(tokenizer_support::decode(*made, all.first(split)) +
                  tokenizer_support::decode(*made, all.subspan(split)) ==
              decoded);
    }
    CHECK(tokenizer_support::stream(*made, ids, false) == replace_invalid(text));
}
