// SPDX-License-Identifier: MIT
// Fill-in-the-middle: tokens from both kinds of metadata keys and from names, and what is appended.
#include "session/fill_in.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "session/session.hpp"
#include "support/fixtures.hpp"
#include "support/gguf_rewrite.hpp"

using linnet::Engine;
using linnet::EngineOptions;
using linnet::Error;
using linnet::Model;
using linnet::PassShape;
using linnet::Session;
using linnet::Status;
using linnet::Token;

namespace {

std::shared_ptr<const Model> open(const gguf_test::Bytes& bytes) {
    EngineOptions options;
    options.n_threads = 1;
    const auto engine = std::make_shared<Engine>(options);
    auto file = gguf_test::open(gguf_test::readable(bytes), engine->memory);
    return std::make_shared<Model>(engine, std::move(file), linnet::LoadOptions());
}

std::vector<Token> encoded(const Model& model, std::string_view text) {
    std::pmr::vector<Token> ids;
    model.tokenizer().encode(text, {.add_special = false, .parse_special = false}, ids);
    return {ids.begin(), ids.end()};
}

}  // namespace

TEST_CASE("fill-in-the-middle: prefix, suffix and middle in the model's order") {
    const gguf_test::Bytes original = fixtures::read(fixtures::models() / "tiny-tales-6m-Q8_0.gguf");
    const auto plain = open(original);
    try {
        Session(plain, PassShape()).append_fill_in("a", "b");
        FAIL("the small model has no such tokens");
    } catch (const Error& error) {
        CHECK(error.status() == Status::unsupported);
    }

    const auto check = [&](const gguf_test::Bytes& bytes, Token pre, Token suf, Token mid) {
        const auto model = open(bytes);
        Session session(model, PassShape());
        session.append_fill_in("def f(x):\n    <|im_end|>", "\n    return y");
        std::vector<Token> expected = {pre};
        const auto add = [&](const std::vector<Token>& ids) {
            expected.insert(expected.end(), ids.begin(), ids.end());
        };
        add(encoded(*model, "def f(x):\n    <|im_end|>"));
        expected.push_back(suf);
        add(encoded(*model, "\n    return y"));
        expected.push_back(mid);
        const auto tokens = session.tokens();
        const bool has_bos = model->tokenizer().add_bos();
        CHECK(std::vector<Token>(tokens.begin() + (has_bos ? 1 : 0), tokens.end()) == expected);
    };
    gguf_test::Rewrite keys(original);
    keys.u32("tokenizer.ggml.fim_pre_token_id", 7).u32("tokenizer.ggml.fim_suf_token_id", 8);
    const auto incomplete = open(keys.bytes());
    keys.u32("tokenizer.ggml.fim_mid_token_id", 1U << 20);
    const auto outside = open(keys.bytes());
    for (const auto& model : {incomplete, outside}) {
        try {
            Session(model, PassShape()).append_fill_in("a", "b");
            FAIL("the middle has no token");
        } catch (const Error& error) {
            CHECK(error.status() == Status::unsupported);
        }
    }
    keys.u32("tokenizer.ggml.fim_mid_token_id", 9);
    check(keys.bytes(), 7, 8, 9);

    gguf_test::Rewrite old(original);
    old.u32("tokenizer.ggml.prefix_token_id", 17).u32("tokenizer.ggml.suffix_token_id", 18);
    check(old.u32("tokenizer.ggml.middle_token_id", 19).bytes(), 17, 18, 19);

    linnet::Memory memory;
    const auto views = *plain->file().strings("tokenizer.ggml.tokens", memory);
    const auto kinds = *plain->file().i32s("tokenizer.ggml.token_type", memory);
    std::vector<std::string> texts(views.begin(), views.end());
    std::vector<std::int32_t> types(kinds.begin(), kinds.end());
    const char* names[] = {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"};
    for (std::size_t i = 0; i < 3; ++i) {
        texts[texts.size() - 3 + i] = names[i];
        types[types.size() - 3 + i] = 3;
    }
    const auto last = static_cast<Token>(texts.size()) - 1;
    gguf_test::Rewrite named(original);
    named.replace_key("tokenizer.ggml.tokens", [&](auto& writer, auto& key) { writer.add_strings(key, texts); });
    named.replace_key("tokenizer.ggml.token_type", [&](auto& writer, auto& key) { writer.add_i32s(key, types); });
    std::vector<std::string> merges;  // those of the texts that are gone
    const auto all = *plain->file().strings("tokenizer.ggml.merges", memory);
    merges.assign(all.begin(), all.end() - 3);
    named.replace_key("tokenizer.ggml.merges", [&](auto& writer, auto& key) { writer.add_strings(key, merges); });
    check(named.bytes(), last - 2, last - 1, last);
}
