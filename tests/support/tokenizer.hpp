// SPDX-License-Identifier: MIT
// Shorthands for the tokenizer's tests: std types in and out, and vocabularies made on the spot.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "gguf/file.hpp"
#include "gguf/writer.hpp"
#include "tokenizer/tokenizer.hpp"

namespace tokenizer_support {

inline std::vector<linnet::Token> encode(const linnet::Tokenizer& tokenizer, std::string_view text,
                                         bool add_special = false, bool parse_special = true) {
    std::pmr::vector<linnet::Token> ids;
    tokenizer.encode(text, {add_special, parse_special}, ids);
    return {ids.begin(), ids.end()};
}

inline std::string piece(const linnet::Tokenizer& tokenizer, linnet::Token token, bool special = true) {
    std::pmr::string bytes;
    tokenizer.piece(token, special, bytes);
    return std::string(bytes);
}

inline std::string decode(const linnet::Tokenizer& tokenizer, std::span<const linnet::Token> ids,
                          bool skip_special = false) {
    std::pmr::string text;
    tokenizer.decode(ids, skip_special, text);
    return std::string(text);
}

// Invalid UTF-8 replaced, by a stream which is given everything at once.
inline std::string replace_invalid(std::string_view bytes) {
    linnet::TextStream stream;
    std::pmr::string text;
    stream.push(bytes, text);
    stream.finish(text);
    return std::string(text);
}

// What a session does: one piece after the other, the leading space dropped, complete characters only.
inline std::string stream(const linnet::Tokenizer& tokenizer, std::span<const linnet::Token> ids, bool skip_special) {
    linnet::TextStream stream;
    std::pmr::string text;
    bool at_start = tokenizer.drops_leading_space();
    for (const linnet::Token token : ids) {
        std::string bytes = piece(tokenizer, token, !skip_special);
        if (at_start && !bytes.empty()) {
            if (bytes[0] == ' ') bytes.erase(0, 1);
            at_start = false;
        }
        stream.push(bytes, text);
    }
    stream.finish(text);
    return std::string(text);
}

// The character of GPT-2's alphabet that stands for a byte, in UTF-8.
inline std::string gpt2_char(unsigned byte) {
    const auto printable = [](unsigned b) { return b != 0xAD && ((b > 0x20 && b < 0x7F) || b > 0xA0); };
    unsigned code = byte;
    if (!printable(byte)) {
        code = 256;
        for (unsigned b = 0; b < byte; ++b) code += !printable(b);
    }
    if (code < 0x80) return {static_cast<char>(code)};
    return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

// What a vocabulary's file contains; arrays that stay empty are not written.
struct Vocabulary {
    std::string model = "gpt2";
    std::string pre = "gpt-2";
    std::vector<std::string> tokens, merges;
    std::vector<std::int32_t> kinds;
    std::vector<float> scores;

    // Adds a token and returns its id.
    linnet::Token add(const std::string& text, linnet::TokenKind kind = linnet::TokenKind::normal, float score = 0) {
        tokens.push_back(text);
        kinds.push_back(static_cast<std::int32_t>(kind));
        scores.push_back(score);
        return static_cast<linnet::Token>(tokens.size() - 1);
    }
    // Adds the merge "left right" and its token.
    linnet::Token merge(const std::string& left, const std::string& right) {
        merges.push_back(left + " " + right);
        return add(left + right);
    }
    linnet::gguf::Writer writer() const {
        linnet::gguf::Writer result("llama");
        result.add_string("tokenizer.ggml.model", model);
        if (!pre.empty()) result.add_string("tokenizer.ggml.pre", pre);
        result.add_strings("tokenizer.ggml.tokens", tokens);
        if (!kinds.empty()) result.add_i32s("tokenizer.ggml.token_type", kinds);
        if (!scores.empty() && (model == "llama" || model == "t5")) result.add_f32s("tokenizer.ggml.scores", scores);
        if (model == "gpt2" || model == "gemma4") result.add_strings("tokenizer.ggml.merges", merges);
        return result;
    }
};

// All 256 bytes, ids 0 to 255.
inline Vocabulary byte_vocabulary() {
    Vocabulary vocabulary;
    for (unsigned byte = 0; byte < 256; ++byte) vocabulary.add(gpt2_char(byte));
    return vocabulary;
}

// <unk> <s> </s>, then all 256 byte tokens (ids 3 to 258), then U+2581 (259).
inline Vocabulary sentencepiece_vocabulary() {
    Vocabulary vocabulary;
    vocabulary.model = "llama";
    vocabulary.add("<unk>", linnet::TokenKind::unknown);
    vocabulary.add("<s>", linnet::TokenKind::control);
    vocabulary.add("</s>", linnet::TokenKind::control);
    for (unsigned byte = 0; byte < 256; ++byte) {
        vocabulary.add(fmt::format("<0x{:02X}>", byte), linnet::TokenKind::byte);
    }
    vocabulary.add("\xE2\x96\x81", linnet::TokenKind::normal, -1000);
    return vocabulary;
}

// The Tokenizer of a vocabulary that exists in memory only; the file lives as long as it.
class Made {
  public:
    explicit Made(std::vector<std::byte> bytes)
        : bytes_(std::move(bytes)), file_(open(bytes_, memory_)), tokenizer_(file_, memory_, {}) {}
    explicit Made(const linnet::gguf::Writer& writer) : Made(writer.write_memory()) {}
    explicit Made(const Vocabulary& vocabulary) : Made(vocabulary.writer()) {}
    const linnet::Tokenizer& operator*() const { return tokenizer_; }
    const linnet::Tokenizer* operator->() const { return &tokenizer_; }

  private:
    static linnet::gguf::File open(std::span<const std::byte> bytes, linnet::Memory& memory) {
        std::vector<linnet::Source> sources;
        sources.push_back(linnet::Source::from_memory(bytes));
        return linnet::gguf::File::open(std::move(sources), memory);
    }
    linnet::Memory memory_;
    std::vector<std::byte> bytes_;
    linnet::gguf::File file_;
    linnet::Tokenizer tokenizer_;
};

}  // namespace tokenizer_support
