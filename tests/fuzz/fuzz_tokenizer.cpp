// SPDX-License-Identifier: MIT
// libFuzzer target for encoding and decoding: arbitrary bytes through vocabularies of all kinds made here. Bytes come
// back (NFC aside), streams equal whole texts, and every word scanner keeps every byte.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "support/tokenizer.hpp"
#include "tokenizer/pre_tokenizer.hpp"
#include "tokenizer/unicode.hpp"

namespace {

using linnet::TokenKind;
using tokenizer_support::Made;
using tokenizer_support::Vocabulary;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

Vocabulary bytes(const char* pre) {
    Vocabulary vocabulary = tokenizer_support::byte_vocabulary();
    vocabulary.pre = pre;
    vocabulary.merge("a", "b");
    vocabulary.merge("ab", "ab");
    vocabulary.merge("\xC4\xA0", "\xC4\xA0");
    vocabulary.merge("\xC4\xA0\xC4\xA0", "a");
    vocabulary.merge("1", "2");
    vocabulary.merge(tokenizer_support::gpt2_char(0xCC), tokenizer_support::gpt2_char(0x81));
    vocabulary.add("<|a|>", TokenKind::control);
    vocabulary.add("<|a|><|", TokenKind::control);
    vocabulary.add("ab<", TokenKind::user_defined);
    return vocabulary;
}

Vocabulary pieces() {
    Vocabulary vocabulary = tokenizer_support::sentencepiece_vocabulary();
    vocabulary.add("a", TokenKind::normal, -1);
    vocabulary.add("b", TokenKind::normal, -2);
    vocabulary.add("ab", TokenKind::normal, -3);
    vocabulary.add(
        "\xE2\x96\x81"
        "a",
        TokenKind::normal, -4);
    vocabulary.add("aab", TokenKind::normal, 3);
    vocabulary.add("  ", TokenKind::user_defined, -1000);
    vocabulary.add("\n\n", TokenKind::user_defined, -1000);
    return vocabulary;
}

Vocabulary merged_pieces() {
    Vocabulary vocabulary = pieces();
    vocabulary.model = "gemma4";
    for (const char* merge : {"a b", "\xE2\x96\x81 a", "aa b", "a a"}) vocabulary.merges.emplace_back(merge);
    vocabulary.add("aa");
    return vocabulary;
}

Vocabulary unigrams() {
    Vocabulary vocabulary = pieces();
    vocabulary.model = "t5";
    return vocabulary;
}

Vocabulary words() {
    Vocabulary vocabulary;
    vocabulary.model = "bert";
    for (const char* text : {"\xE2\x96\x81[UNK]",
                             "\xE2\x96\x81"
                             "a",
                             "a", "\xE2\x96\x81!", "\xCE\xB1"}) {
        vocabulary.add(text);
    }
    vocabulary.add("[CLS]", TokenKind::control);
    return vocabulary;
}

std::string without_escapes(std::string text) {
    for (std::size_t at = 0; (at = text.find("\xE2\x96\x81", at)) != std::string::npos;) text.replace(at, 3, " ");
    return text;
}

void check(const linnet::Tokenizer& tokenizer, std::string_view text, const std::string& expected) {
    for (const bool parse_special : {false, true}) {
        const auto ids = tokenizer_support::encode(tokenizer, text, false, parse_special);
        std::string decoded = tokenizer_support::decode(tokenizer, ids);
        // Text after a special token gets a space prefix of its own, which stays.
        const bool exact =
            !tokenizer.drops_leading_space() || std::none_of(ids.begin(), ids.end(), [&](linnet::Token token) {
                return tokenizer.kind(token) != TokenKind::normal && tokenizer.kind(token) != TokenKind::byte;
            });
        if (exact) require(decoded == expected);
        require(tokenizer_support::stream(tokenizer, ids, false) == tokenizer_support::replace_invalid(decoded));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Made gpt2(bytes("gpt-2")), gpt4o(bytes("gpt-4o")), qwen(bytes("qwen2")), llama(pieces());
    static const Made gemma4(merged_pieces()), bert(words()), t5(unigrams());
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(*gpt2, text, std::string(text));
    check(*gpt4o, text, std::string(text));
    if (!linnet::unicode::needs_nfc(text)) check(*qwen, text, std::string(text));
    tokenizer_support::encode(*qwen, text);
    check(*llama, text, without_escapes(std::string(text)));
    check(*gemma4, text, without_escapes(std::string(text)));
    tokenizer_support::encode(*t5, text);
    const auto word_ids = tokenizer_support::encode(*bert, text);
    require(tokenizer_support::encode(*bert, tokenizer_support::decode(*bert, word_ids)) == word_ids);

    std::pmr::string once, twice;
    linnet::unicode::append_nfc(text, once);
    linnet::unicode::append_nfc(once, twice);
    require(once == twice);
    once.clear();
    twice.clear();
    linnet::unicode::append_nfd(text, once);
    linnet::unicode::append_nfd(once, twice);
    require(once == twice);
    for (const char* name : {"llama-bpe", "qwen35", "tekken", "smollm", "falcon", "deepseek-llm", "deepseek-coder",
                             "deepseek-v3", "kimi-k2", "youtu"}) {
        linnet::WordScanner scanner(*linnet::find_pre_tokenizer(name), text);
        std::size_t n = 0;
        for (std::string_view word; scanner.next(word); n += word.size()) {
            require(!word.empty() && word.data() == text.data() + n);
        }
        require(n == size);
    }
    return 0;
}
