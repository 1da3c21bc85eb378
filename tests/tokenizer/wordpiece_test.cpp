// SPDX-License-Identifier: MIT
// WordPiece on small vocabularies. The texts and words are those of the tests that came with BERT and of Hugging
// Face's tests of its normaliser.
#include <doctest/doctest.h>

#include <initializer_list>

#include "support/tokenizer.hpp"

using linnet::kNoToken;
using linnet::Token;
using linnet::TokenKind;
using tokenizer_support::decode;
using tokenizer_support::encode;
using tokenizer_support::Made;
using tokenizer_support::piece;
using tokenizer_support::Vocabulary;
using Ids = std::vector<Token>;
using Words = std::vector<std::string>;

namespace {

constexpr Token kUnknown = 0, kCls = 1, kSep = 2, kMask = 3;

// [UNK] [CLS] [SEP] [MASK], then `words`, where "##" stands before those that continue a word.
Vocabulary bert_vocabulary(const Words& words) {
    Vocabulary vocabulary;
    vocabulary.model = "bert";
    vocabulary.pre = "";
    for (const char* name : {"[UNK]", "[CLS]", "[SEP]", "[MASK]"}) vocabulary.add(name, TokenKind::control);
    for (const std::string& word : words) {
        vocabulary.add(word.starts_with("##") ? word.substr(2) : "\xE2\x96\x81" + word);
    }
    return vocabulary;
}

linnet::gguf::Writer bert_writer(const Words& words) {
    auto writer = bert_vocabulary(words).writer();
    writer.add_u32("tokenizer.ggml.unknown_token_id", kUnknown);
    writer.add_u32("tokenizer.ggml.cls_token_id", kCls);
    writer.add_u32("tokenizer.ggml.seperator_token_id", kSep);
    return writer;
}

// The words of `text`: all are in the vocabulary, with a mark of its own in front of each.
void check_words(std::initializer_list<bool> normalizer, const std::string& text, const Words& expected) {
    auto writer = bert_writer(expected);
    const char* key = "tokenizer.ggml.normalizer.lowercase";
    for (const bool value : normalizer) {
        writer.add_bool(key, value);
        key = "tokenizer.ggml.normalizer.strip_accents";
    }
    const Made made(writer);
    Words words;
    for (const Token token : encode(*made, text)) words.push_back(piece(*made, token));
    Words marked;
    for (const std::string& word : expected) marked.push_back(" " + word);
    CHECK_MESSAGE(words == marked, text);
}

}  // namespace

TEST_CASE("WordPiece: the longest tokens from the left, or the unknown one for the whole word") {
    const Made made(bert_writer({"want", "##want", "##ed", "wa", "un", "runn", "##ing"}));
    constexpr Token kWant = 5, kEd = 6, kUn = 8, kRunn = 9, kIng = 10;
    CHECK(encode(*made, "").empty());
    CHECK(encode(*made, "unwanted running") == Ids{kUn, kWant, kEd, kRunn, kIng});
    CHECK(encode(*made, "unwantedX running") == Ids{kUnknown, kRunn, kIng});
    CHECK(encode(*made, "ed") == Ids{kUnknown});  // does not begin words
    CHECK(encode(*made, "\xE2\x96\x81want") == Ids{kUnknown});
    CHECK(encode(*Made(bert_writer({"", "##want"})), "want") == Ids{kUnknown});  // no word is empty
    CHECK(encode(*made, "want", true) == Ids{kCls, 4, kSep});
    CHECK(encode(*made, "", true) == Ids{kCls, kSep});
    CHECK(encode(*made, "want[MASK]want[mask]") == Ids{4, kMask, 4, kUnknown, kUnknown, kUnknown});
    CHECK(encode(*made, "[SEP]", false, false) == Ids{kUnknown, kUnknown, kUnknown});

    CHECK(made->bos() == kCls);
    CHECK(made->eos() == kSep);
    CHECK(made->drops_leading_space());
    CHECK(piece(*made, kUn) == " un");
    CHECK(piece(*made, kWant) == "want");
    CHECK(decode(*made, Ids{kCls, kUn, kWant, kEd, kRunn, kIng, kSep}, true) == "unwanted running");
    CHECK(tokenizer_support::stream(*made, Ids{kUn, kWant, kEd, kRunn}, true) == "unwanted runn");
}

TEST_CASE("WordPiece: words end at white space and at punctuation, ideographs are words") {
    check_words({true}, " \tHeLLo!how  \n Are yoU?  ", {"hello", "!", "how", "are", "you", "?"});
    check_words({true}, "a-b_c", {"a", "-", "b", "_", "c"});
    check_words({true}, "$x^y`", {"$", "x", "^", "y", "`"});
    check_words({true}, "ah\xE5\x8D\x9A\xE6\x8E\xA8zz", {"ah", "\xE5\x8D\x9A", "\xE6\x8E\xA8", "zz"});
    check_words({true}, "\xE3\x81\x82\xE3\x81\x84", {"\xE3\x81\x82\xE3\x81\x84"});  // kana are letters
    check_words({true},
                "a\xE2\x80\xA8"
                "b\xE3\x80\x80"
                "c",
                {"a", "b", "c"});
    check_words({true},
                "a\xC2\xAB"
                "b",
                {"a", "\xC2\xAB", "b"});
}

TEST_CASE("WordPiece: control characters and what is no text are left out") {
    check_words({true},
                "a\x01"
                "b\x7F"
                "c\xC2\xAD"
                "d\xC2\x85"
                "e\x0B"
                "f",
                {"abcdef"});
    check_words({true}, std::string("a\0b", 3), {"ab"});
    check_words({true},
                "a\xFF"
                "b\xEF\xBF\xBD"
                "c\xE2\x82",
                {"abc"});
    check_words({true},
                "\xEE\x80\x80"
                "a\xEF\xBB\xBF",
                {"a"});
    check_words({true}, "\xCD\xB8", {"\xCD\xB8"});  // not assigned
}

TEST_CASE("WordPiece: lower case and accents as the file says") {
    const std::string text = " \tH\xC3\xA4LLo!how  \n Are yoU?  ";
    check_words({true}, text, {"hallo", "!", "how", "are", "you", "?"});
    check_words({true, true}, text, {"hallo", "!", "how", "are", "you", "?"});
    check_words({true, false}, text, {"h\xC3\xA4llo", "!", "how", "are", "you", "?"});
    check_words({false}, text, {"H\xC3\xA4LLo", "!", "how", "Are", "yoU", "?"});
    check_words({false, true}, text, {"HaLLo", "!", "how", "Are", "yoU", "?"});
    check_words({true}, "He\xCC\x81llo", {"hello"});
    check_words({true, false}, "\xC4\xB0", {"i\xCC\x87"});
    check_words({true}, "\xC4\xB0", {"i"});
    check_words({true}, "\xE0\xA4\x95\xE0\xA4\xBE", {"\xE0\xA4\x95\xE0\xA4\xBE"});  // a spacing mark stays
    check_words({true}, "\xEA\xB0\x80", {"\xE1\x84\x80\xE1\x85\xA1"});              // Hangul in parts

    // Without the key, a vocabulary with capitals has them because texts keep theirs.
    check_words({}, "Hello", {"hello"});
    check_words({}, "Hello world", {"Hello", "world"});
}

TEST_CASE("WordPiece: words of up to 100 characters") {
    Words words = {"\xCE\xB1", "##\xCE\xB1"};
    const Made made(bert_writer(words));
    std::string text;
    for (int i = 0; i < 100; ++i) text += "\xCE\x91";
    const Ids ids = encode(*made, text + "!");
    CHECK(ids.size() == 101);
    CHECK(ids.front() == 4);
    CHECK(ids[99] == 5);
    CHECK(encode(*made, text + "\xCE\x91 \xCE\x91") == Ids{kUnknown, 4});
}

TEST_CASE("WordPiece: ids of special tokens by each key, by position, and left out") {
    const Vocabulary vocabulary = bert_vocabulary({"a"});
    auto writer = vocabulary.writer();
    writer.add_u32("tokenizer.ggml.bos_token_id", kCls);
    writer.add_u32("tokenizer.ggml.eos_token_id", kSep);
    CHECK(encode(*Made(writer), "a", true) == Ids{kCls, 4, kSep});
    CHECK(encode(*Made(writer), "b", true) == Ids{kCls, kSep});  // no unknown token to say it with
    writer.add_bool("tokenizer.ggml.add_bos_token", false);
    writer.add_bool("tokenizer.ggml.add_eos_token", false);
    CHECK(encode(*Made(writer), "a", true) == Ids{4});

    Vocabulary standard;
    standard.model = "bert";
    for (int i = 0; i < 100; ++i) standard.add(fmt::format("[unused{}]", i));
    for (const char* name : {"[UNK]", "[CLS]", "[SEP]"}) standard.add(name, TokenKind::control);
    standard.add(
        "\xE2\x96\x81"
        "a");
    CHECK(encode(*Made(standard), "a b", true) == Ids{101, 103, 100, 102});

    const Made bare(vocabulary);
    CHECK(bare->bos() == kNoToken);
    CHECK(encode(*bare, "a", true) == Ids{4});
}

TEST_CASE("WordPiece: added tokens are found in the text as it was") {
    Vocabulary vocabulary = bert_vocabulary({"a", "b"});
    const Token added = vocabulary.add("\xE2\x96\x81<B>", TokenKind::user_defined);
    const Made made(vocabulary);
    CHECK(encode(*made, "a<B>b", false, false) == Ids{4, added, 5});
    CHECK(decode(*made, Ids{4, added, 5}) == "a <B> b");
}
