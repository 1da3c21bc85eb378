// SPDX-License-Identifier: MIT
// The rules of encoding and decoding on vocabularies small enough to work out by hand, so that they hold without
// ../shared as well.
#include <doctest/doctest.h>

#include "support/tokenizer.hpp"

using linnet::kNoToken;
using linnet::Token;
using linnet::TokenKind;
using tokenizer_support::byte_vocabulary;
using tokenizer_support::decode;
using tokenizer_support::encode;
using tokenizer_support::Made;
using tokenizer_support::piece;
using tokenizer_support::sentencepiece_vocabulary;
using tokenizer_support::Vocabulary;
using Ids = std::vector<Token>;

TEST_CASE("BPE: merges apply by rank, then from the left, within words only") {
    Vocabulary vocabulary = byte_vocabulary();
    const Token bc = vocabulary.merge("b", "c");
    const Token ab = vocabulary.merge("a", "b");
    const Token abc = vocabulary.merge("a", "bc");
    const Token aa = vocabulary.merge("a", "a");
    const Token space_a = vocabulary.merge("\xC4\xA0", "a");  // U+0120 stands for the space
    const Made made(vocabulary);
    CHECK(encode(*made, "abc") == Ids{abc});
    CHECK(encode(*made, "abd") == Ids{ab, 'd'});
    CHECK(encode(*made, "xbcb") == Ids{'x', bc, 'b'});
    CHECK(encode(*made, "aaa") == Ids{aa, 'a'});
    CHECK(encode(*made, "a ab") == Ids{'a', ' ', ab});  // rank of "a b" before that of " a"
    CHECK(encode(*made, "a a") == Ids{'a', space_a});
    CHECK(encode(*made, "a\na") == Ids{'a', '\n', 'a'});
    CHECK(piece(*made, space_a) == " a");
    CHECK(made->text(space_a) ==
          "\xC4\xA0"
          "a");
    CHECK(made->max_piece_size() == 3);
}

TEST_CASE("BPE: long words merge as short ones do") {
    // The heap of long words against the plain search of short ones: "abab..." of each length must be cut alike.
    Vocabulary vocabulary = byte_vocabulary();
    const Token ab = vocabulary.merge("a", "b");
    const Token abab = vocabulary.merge("ab", "ab");
    const Token ba = vocabulary.merge("b", "a");
    const Made made(vocabulary);
    for (std::size_t n = 1; n < 200; ++n) {
        std::string text = "b";
        for (std::size_t i = 0; i < n; ++i) text += "ab";
        Ids expected = {'b'};
        for (std::size_t i = 0; i + 1 < n; i += 2) expected.push_back(abab);
        if (n % 2 == 1) expected.push_back(ab);
        CHECK(encode(*made, text) == expected);
        CHECK(encode(*made, text + "a") != Ids{ba});
    }
}

TEST_CASE("BPE: a whole word that is a token comes before the merges where the model has it so") {
    Vocabulary vocabulary = byte_vocabulary();
    const Token abc = vocabulary.add("abc");  // no merge leads to it
    const Token ab = vocabulary.merge("a", "b");
    CHECK(encode(*Made(vocabulary), "abc") == Ids{ab, 'c'});
    vocabulary.pre = "llama-bpe";
    CHECK(encode(*Made(vocabulary), "abc") == Ids{abc});
    vocabulary.pre = "tekken";
    CHECK(encode(*Made(vocabulary), "abc") == Ids{abc});
}

TEST_CASE("BPE: only the models with NFC normalise") {
    Vocabulary vocabulary = byte_vocabulary();
    CHECK(encode(*Made(vocabulary), "e\xCC\x81") == Ids{'e', 0xCC, 0x81});
    vocabulary.pre = "qwen2";
    CHECK(encode(*Made(vocabulary), "e\xCC\x81") == Ids{0xC3, 0xA9});
}

TEST_CASE("BPE: what the vocabulary lacks") {
    Vocabulary vocabulary;
    for (const char c : std::string("abc\xEF\xBF\xBD"))
        vocabulary.add(tokenizer_support::gpt2_char(static_cast<unsigned char>(c)));
    CHECK(encode(*Made(vocabulary), "axb") == Ids{0, 1});  // nothing to say it with
    CHECK(encode(*Made(vocabulary),
                 "a\xFF"
                 "b") == Ids{0, 3, 4, 5, 1});  // U+FFFD for what is no text
    const Token unknown = vocabulary.add("[UNK]", TokenKind::unknown);
    auto writer = vocabulary.writer();
    writer.add_u32("tokenizer.ggml.unknown_token_id", static_cast<std::uint32_t>(unknown));
    CHECK(encode(*Made(writer), "axb") == Ids{0, unknown, 1});
}

TEST_CASE("special tokens: leftmost, then longest; control ones on request, user-defined ones always") {
    Vocabulary vocabulary = byte_vocabulary();
    const Token x = vocabulary.add("<x>", TokenKind::control);
    const Token xy = vocabulary.add("<x><y>", TokenKind::control);
    const Token tool = vocabulary.add("<tool>", TokenKind::user_defined);
    const Token inner = vocabulary.add("ool>!", TokenKind::control);
    const Token pad = vocabulary.add("[PAD]", TokenKind::unused);
    const Token unknown = vocabulary.add("<unk>", TokenKind::unknown);
    const Made made(vocabulary);
    CHECK(encode(*made, "a<x>b") == Ids{'a', x, 'b'});
    CHECK(encode(*made, "<x><y><x><x>") == Ids{xy, x, x});
    CHECK(encode(*made, "<x") == Ids{'<', 'x'});
    CHECK(encode(*made, "<tool>!") == Ids{tool, '!'});
    CHECK(encode(*made, "ool>!") == Ids{inner});
    CHECK(encode(*made, "<unk>") == Ids{unknown});
    CHECK(encode(*made, "<x>", false, false) == Ids{'<', 'x', '>'});
    CHECK(encode(*made, "<unk>", false, false) == Ids{'<', 'u', 'n', 'k', '>'});
    CHECK(encode(*made, "<x><tool>", false, false) == Ids{'<', 'x', '>', tool});
    CHECK(encode(*made, "[PAD]").size() == 5);
    CHECK(piece(*made, pad) == "[PAD]");

    const Ids ids = {'a', x, 'b', tool, unknown};
    CHECK(decode(*made, ids) == "a<x>b<tool><unk>");
    CHECK(decode(*made, ids, true) == "ab<tool><unk>");
    CHECK(piece(*made, x, true) == "<x>");
    CHECK(piece(*made, x, false).empty());
    CHECK(made->kind(tool) == TokenKind::user_defined);
}

TEST_CASE("bos and eos are added where the file asks for them") {
    Vocabulary vocabulary = byte_vocabulary();
    const Token bos = vocabulary.add("<bos>", TokenKind::control);
    const Token eos = vocabulary.add("<eos>", TokenKind::control);
    const auto made = [&](int add_bos, int add_eos) {
        auto writer = vocabulary.writer();
        writer.add_u32("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(bos));
        writer.add_u32("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(eos));
        if (add_bos >= 0) writer.add_bool("tokenizer.ggml.add_bos_token", add_bos != 0);
        if (add_eos >= 0) writer.add_bool("tokenizer.ggml.add_eos_token", add_eos != 0);
        return Made(writer);
    };
    CHECK(encode(*made(1, 1), "a", true) == Ids{bos, 'a', eos});
    CHECK(encode(*made(1, 1), "a", false) == Ids{'a'});
    CHECK(encode(*made(0, 1), "", true) == Ids{eos});
    CHECK(encode(*made(-1, -1), "a", true) == Ids{'a'});  // GPT-2 has none by itself
    CHECK(made(1, 0)->bos() == bos);
    CHECK(made(1, 0)->eos() == eos);
    vocabulary.pre = "llama-bpe";
    CHECK(encode(*made(-1, -1), "a", true) == Ids{bos, 'a'});
    // Written in the text as well: both stay, as it is the template's business.
    CHECK(encode(*made(1, 0), "<bos>a", true) == Ids{bos, bos, 'a'});
}

TEST_CASE("ends of generation: by key and by well-known names of control tokens") {
    Vocabulary vocabulary = byte_vocabulary();
    const Token text_end = vocabulary.add("<|endoftext|>", TokenKind::control);
    const Token turn_end = vocabulary.add("<|im_end|>", TokenKind::control);
    const Token plain = vocabulary.add("</s>");
    const Token other = vocabulary.add("<|im_start|>", TokenKind::control);
    const Token named = vocabulary.add("<|stop-here|>", TokenKind::control);
    auto writer = vocabulary.writer();
    writer.add_u32("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(named));
    const Made made(writer);
    CHECK(made->is_end(text_end));
    CHECK(made->is_end(turn_end));
    CHECK(made->is_end(named));
    CHECK_FALSE(made->is_end(plain));
    CHECK_FALSE(made->is_end(other));
    CHECK(made->eot() == turn_end);

    // gpt-oss: <|end|> only ends a message.
    const Token end = vocabulary.add("<|end|>", TokenKind::control);
    CHECK(Made(vocabulary)->is_end(end));
    const Token whole = vocabulary.add("<|return|>", TokenKind::control);
    CHECK_FALSE(Made(vocabulary)->is_end(end));
    CHECK(Made(vocabulary)->is_end(whole));
}

TEST_CASE("SentencePiece: scores, byte fallback, the space prefix") {
    Vocabulary vocabulary = sentencepiece_vocabulary();
    constexpr Token kSpace = 259, kBytes = 3;
    const Token a = vocabulary.add("a", TokenKind::normal, -10);
    const Token b = vocabulary.add("b", TokenKind::normal, -11);
    const Token ab = vocabulary.add("ab", TokenKind::normal, -3);
    const Token ba = vocabulary.add("ba", TokenKind::normal, -2);
    const Token space_a = vocabulary.add(
        "\xE2\x96\x81"
        "a",
        TokenKind::normal, -4);
    const Made made(vocabulary);
    CHECK(encode(*made, "a") == Ids{space_a});
    CHECK(encode(*made, "ab") == Ids{kSpace, ab});    // -3 before -4
    CHECK(encode(*made, "aba") == Ids{space_a, ba});  // -2 before -3
    CHECK(encode(*made, "b a") == Ids{kSpace, b, space_a});
    CHECK(encode(*made, " a") == Ids{kSpace, space_a});
    CHECK(encode(*made,
                 "\xE2\x96\x81"
                 "a") == Ids{kSpace, space_a});  // a literal U+2581 is a space
    CHECK(encode(*made, "b\n\xC3\xA9") == Ids{kSpace, b, kBytes + 10, kBytes + 0xC3, kBytes + 0xA9});
    CHECK(encode(*made, "b\xFF") == Ids{kSpace, b, kBytes + 0xFF});
    CHECK(encode(*made, "").empty());
    CHECK(encode(*made, "a", true) == Ids{1, space_a});  // <s> is SentencePiece's default
    CHECK(encode(*made, "<s>a</s>") == Ids{1, space_a, 2});
    CHECK(encode(*made, "<0x41>", false, false).size() == 7);  // text, not a byte

    // The rest of a text that has begun has no prefix, but what follows a special token in it has.
    std::pmr::vector<Token> rest;
    made->encode("ab a</s>a", {.add_special = false, .in_text = true}, rest);
    CHECK(Ids(rest.begin(), rest.end()) == Ids{ab, space_a, 2, space_a});

    CHECK(made->drops_leading_space());
    CHECK(decode(*made, Ids{1, space_a, space_a}, true) == "a a");
    CHECK(decode(*made, Ids{1, space_a}, false) == "<s> a");
    CHECK(decode(*made, Ids{kBytes + 0xC3, kBytes + 0xA9}) == "\xC3\xA9");
    CHECK(piece(*made, space_a) == " a");
    CHECK(made->bos() == 1);
    CHECK(made->eos() == 2);
    CHECK(made->is_end(2));

    auto writer = vocabulary.writer();
    writer.add_bool("tokenizer.ggml.add_space_prefix", false);
    const Made bare(writer);
    CHECK(encode(*bare, "ab a") == Ids{ab, space_a});
    CHECK_FALSE(bare->drops_leading_space());
    CHECK(decode(*bare, Ids{space_a}) == " a");
    CHECK(a != b);
}

TEST_CASE("Gemma 4: pieces joined by merges, across words, without the space prefix") {
    Vocabulary vocabulary = sentencepiece_vocabulary();
    vocabulary.model = "gemma4";
    constexpr Token kSpace = 259, kBytes = 3;
    const Token a = vocabulary.add("a");
    const Token b = vocabulary.add("b");
    const Token ab = vocabulary.merge("a", "b");
    const Token b_space = vocabulary.merge("b", "\xE2\x96\x81");
    const Token b_space_a = vocabulary.merge("b\xE2\x96\x81", "a");
    const Token aa = vocabulary.add("aa", TokenKind::normal, 100);  // no merge leads to it
    const Made made(vocabulary);
    CHECK(encode(*made, "ab") == Ids{ab});
    CHECK(encode(*made, "bb a") == Ids{b, b_space_a});
    CHECK(encode(*made, "ab a") == Ids{ab, kSpace, a});
    CHECK(encode(*made, "b\xE2\x96\x81 ") == Ids{b_space, kSpace});
    CHECK(encode(*made, "aa") == Ids{a, a});
    CHECK(encode(*made, " \n\xC3\xA9") == Ids{kSpace, kBytes + 10, kBytes + 0xC3, kBytes + 0xA9});
    CHECK(decode(*made, Ids{b_space_a, aa, kBytes + 0x41}) == "b aaaA");
    CHECK_FALSE(made->drops_leading_space());
    CHECK(made->bos() == kNoToken);

    auto writer = vocabulary.writer();
    writer.add_u32("tokenizer.ggml.bos_token_id", 1);
    writer.add_bool("tokenizer.ggml.add_bos_token", false);  // by mistake
    CHECK(encode(*Made(writer), "a", true) == Ids{1, a});
}

TEST_CASE("SentencePiece: without byte tokens a run of unknown characters is one unknown token") {
    Vocabulary vocabulary;
    vocabulary.model = "llama";
    const Token unknown = vocabulary.add("<unk>", TokenKind::unknown);
    const Token space = vocabulary.add("\xE2\x96\x81");
    const Token a = vocabulary.add("a");
    CHECK(encode(*Made(vocabulary), "axya") == Ids{space, a, unknown, a});
}

TEST_CASE("SentencePiece: user-defined runs of spaces are matched before anything is joined") {
    Vocabulary vocabulary = sentencepiece_vocabulary();
    const Token two = vocabulary.add("  ", TokenKind::user_defined, -1000);
    const Token three = vocabulary.add("   ", TokenKind::user_defined, -1000);
    auto writer = vocabulary.writer();
    writer.add_bool("tokenizer.ggml.add_space_prefix", false);
    const Made made(writer);
    CHECK(encode(*made, "     ") == Ids{three, two});
    CHECK(encode(*made, "\xE2\x96\x81 \xE2\x96\x81", false, false) == Ids{three});
    CHECK(piece(*made, three) == "   ");
}
