// SPDX-License-Identifier: MIT
// libFuzzer target for reading vocabularies: the input is a GGUF file. What is accepted has to encode, decode and
// answer questions about any id; what is refused is refused by an Error, and no memory is left.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/tokenizer.hpp"

namespace {

using tokenizer_support::Vocabulary;

void use(const linnet::Tokenizer& tokenizer) {
    const auto n = static_cast<linnet::Token>(tokenizer.n_vocab());
    for (const linnet::Token token : {tokenizer.bos(), tokenizer.eos(), tokenizer.eot()}) {
        if (token != linnet::kNoToken && (token < 0 || token >= n)) __builtin_trap();
    }
    for (const linnet::Token token : {-1, 0, 1, n - 1, n, 2147483647}) {
        tokenizer.text(token);
        tokenizer.kind(token);
        tokenizer.is_end(token);
        if (tokenizer_support::piece(tokenizer, token).size() > tokenizer.max_piece_size()) __builtin_trap();
    }
    if (n == 0) return;
    const std::string text = "ab  abab <|a|> 12\xCC\x81\n\xE2\x96\x81\xFF<0x41>";
    for (const bool parse_special : {false, true}) {
        const auto ids = tokenizer_support::encode(tokenizer, text, true, parse_special);
        for (const linnet::Token token : ids) {
            if (token < 0 || token >= n) __builtin_trap();
        }
        tokenizer_support::decode(tokenizer, ids);
        tokenizer_support::stream(tokenizer, ids, true);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    linnet::Memory memory({}, 64 << 20);
    try {
        std::vector<linnet::Source> sources;
        sources.push_back(linnet::Source::from_memory(std::as_bytes(std::span(data, size))));
        const auto file = linnet::gguf::File::open(std::move(sources), memory);
        use(linnet::Tokenizer(file, memory, {}));
    } catch (const linnet::Error&) {
    }
    if (memory.used() != 0) __builtin_trap();
    return 0;
}

// Without a corpus the fuzzer would look for a valid file for hours: some inputs are replaced by one, which later
// mutations then start from.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
    if (seed % 64 != 0 && size > 64) return LLVMFuzzerMutate(data, size, max_size);
    Vocabulary vocabulary;
    if (seed / 64 % 2 == 0) {
        vocabulary.pre = seed / 128 % 2 == 0 ? "gpt-2" : "qwen2";
        for (const char* text : {"a", "b", "\xC4\xA0", "1", "2", "\xC3\x8C"}) vocabulary.add(text);
        vocabulary.merge("a", "b");
        vocabulary.merge("ab", "ab");
    } else {
        vocabulary.model = seed / 128 % 2 == 0 ? "llama" : "t5";
        vocabulary.add("<unk>", linnet::TokenKind::unknown);
        for (const char* text : {"<0x41>", "<0xFF>", "<0x0a>"}) vocabulary.add(text, linnet::TokenKind::byte);
        for (const char* text : {"a", "b", "ab", "\xE2\x96\x81", "abab"})
            vocabulary.add(text, linnet::TokenKind::normal, -1);
    }
    vocabulary.add("<|a|>", linnet::TokenKind::control);
    vocabulary.add("  ", linnet::TokenKind::user_defined);
    auto writer = vocabulary.writer();
    if (vocabulary.model == "t5") {  // a charsmap of 256 units in which "a" becomes "b"
        std::vector<std::int32_t> charsmap(4 + 256 * 4, 0);
        const auto put = [&](std::size_t unit, std::uint32_t value) {
            for (std::size_t i = 0; i < 4; ++i)
                charsmap[4 + unit * 4 + i] = static_cast<std::int32_t>(value >> 8 * i & 255);
        };
        charsmap[1] = 4;
        put(0, 1 << 10);
        put(1 ^ 'a', 'a' | 1 << 8 | (1 ^ 'a' ^ 2) << 10);
        put(2, 1U << 31);
        charsmap.insert(charsmap.end(), {'b', 0});
        writer.add_i32s("tokenizer.ggml.precompiled_charsmap", charsmap);
    }
    writer.add_u32("tokenizer.ggml.bos_token_id", 3);
    writer.add_i32("tokenizer.ggml.eos_token_id", 1);
    writer.add_bool("tokenizer.ggml.add_eos_token", true);
    const auto bytes = writer.write_memory();
    if (bytes.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
    std::memcpy(data, bytes.data(), bytes.size());
    return bytes.size();
}
