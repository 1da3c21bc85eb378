// SPDX-License-Identifier: MIT
// Keys of the metadata (the older ones had no "fim_") and names in vocabularies.
#include "session/fill_in.hpp"

#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace linnet {

namespace {

struct Names {
    std::string_view prefix, suffix, middle;
};

constexpr Names kKeys[] = {
    {"tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.fim_mid_token_id"},
    {"tokenizer.ggml.prefix_token_id", "tokenizer.ggml.suffix_token_id", "tokenizer.ggml.middle_token_id"},
};

constexpr Names kTexts[] = {
    {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},     // Qwen 2.5 Coder, CodeGemma
    {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},           // StarCoder, Granite
    {"<fim-prefix>", "<fim-suffix>", "<fim-middle>"},           // SantaCoder
    {"<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"},  // GLM-4
    {"<PRE>", "<SUF>", "<MID>"},                                // Code Llama
    // DeepSeek Coder: fullwidth bars and U+2581; the second one stands where the middle is missing.
    {"<\xEF\xBD\x9C"
     "fim\xE2\x96\x81"
     "begin\xEF\xBD\x9C>",
     "<\xEF\xBD\x9C"
     "fim\xE2\x96\x81"
     "hole\xEF\xBD\x9C>",
     "<\xEF\xBD\x9C"
     "fim\xE2\x96\x81"
     "end\xEF\xBD\x9C>"},
};

}  // namespace

FillIn find_fill_in(const gguf::File& file, const Tokenizer& tokenizer, Memory& memory) {
    const auto by_key = [&](std::string_view key) {
        const std::optional<std::uint32_t> id = file.u32(key);
        return id && *id < tokenizer.n_vocab() ? static_cast<Token>(*id) : kNoToken;
    };
    std::pmr::vector<Token> ids(&memory);
    const auto by_text = [&](std::string_view text) {
        ids.clear();
        tokenizer.encode(text, {.add_special = false, .parse_special = true, .in_text = true}, ids);
        return ids.size() == 1 && tokenizer.is_special(ids[0]) ? ids[0] : kNoToken;
    };
    const auto all = [](const FillIn& found) {
        return found.prefix != kNoToken && found.suffix != kNoToken && found.middle != kNoToken;
    };
    for (const Names& keys : kKeys) {
        const FillIn found{by_key(keys.prefix), by_key(keys.suffix), by_key(keys.middle)};
        if (all(found)) return found;
    }
    for (const Names& texts : kTexts) {
        const FillIn found{by_text(texts.prefix), by_text(texts.suffix), by_text(texts.middle)};
        if (all(found)) return found;
    }
    throw Error(Status::unsupported, "the model has no tokens for fill-in-the-middle (tokenizer.ggml.fim_*_token_id)");
}

}  // namespace linnet
