// SPDX-License-Identifier: MIT
// Sessions: events, budgets, limits, truncation, samplers. However a text is stepped, it is the same text.
#include <algorithm>
#include <cfenv>
#include <cmath>
#include <tuple>

#include "api/api.hpp"

namespace {

struct Run {
    std::string text;
    std::vector<linnet_token> tokens;
    std::int32_t reason = 0;
    std::size_t n_budget = 0;
};

void note(Run& run, const linnet::Event& event) {
    run.text += event.text;
    if (event.kind == LINNET_EVENT_TOKEN) run.tokens.push_back(event.token);
    if (event.kind == LINNET_EVENT_DONE) run.reason = event.reason;
    if (event.kind == LINNET_EVENT_BUDGET) ++run.n_budget;
}

Run generate(linnet::Session& session, std::uint32_t max_tokens) {
    Run run;
    session.generate(max_tokens, [&](const linnet::Event& event) { note(run, event); });
    return run;
}

bool is_utf8(const std::string& text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t n = lead < 0x80   ? 1
                              : lead < 0xc2 ? 0
                              : lead < 0xe0 ? 2
                              : lead < 0xf0 ? 3
                              : lead < 0xf5 ? 4
                                            : 0;
        if (n == 0 || i + n > text.size()) return false;
        for (std::size_t k = 1; k < n; ++k) {
            if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
        }
        i += n;
    }
    return true;
}

}  // namespace

TEST_CASE("generate: the small model tells a story, the same with every way of stepping") {
    const auto path = api::small_model();
    if (!path) return;
    linnet::Engine engine;
    const linnet::Model model(engine, *path);
    const std::string prompt = "Once upon a time there was a little fox who";
    linnet::Session session(model);
    session.append(prompt);
    const std::size_t n_prompt = session.tokens().size();
    const Run whole = generate(session, 100);
    CHECK(whole.tokens.size() >= 20);
    CHECK(is_utf8(whole.text));
    std::size_t n_words = 1;
    for (const char c : whole.text) n_words += c == ' ' ? 1 : 0;
    CHECK(n_words > 15);
    const auto sequence = session.tokens();
    CHECK(sequence.size() == n_prompt + whole.tokens.size() + (whole.reason == LINNET_DONE_END_TOKEN ? 1 : 0));
    CHECK(
        std::equal(whole.tokens.begin(), whole.tokens.end(), sequence.begin() + static_cast<std::ptrdiff_t>(n_prompt)));
    // What was streamed is what the tokens say.
    const std::string all = model.detokenize(sequence, LINNET_DETOKENIZE_SKIP_SPECIAL);
    CHECK(all.size() >= whole.text.size());
    CHECK(all.substr(all.size() - whole.text.size()) == whole.text);

    SUBCASE("in slices of time") {
        linnet::Session sliced(model);
        sliced.append(prompt);
        Run run;
        while (run.tokens.size() < whole.tokens.size()) note(run, sliced.step(100));
        CHECK(run.n_budget > 0);
        CHECK(run.tokens == whole.tokens);
    }
    SUBCASE("token by token, appended") {
        linnet::Session pieces(model);
        for (const linnet_token token :
             std::vector<linnet_token>(sequence.begin(), sequence.begin() + static_cast<std::ptrdiff_t>(n_prompt))) {
            pieces.append({token});
            CHECK(pieces.prefill().n_pending == 0);
        }
        CHECK(generate(pieces, 100).tokens == whole.tokens);
    }
    SUBCASE("again after truncation") {
        session.truncate(n_prompt);
        CHECK(generate(session, 100).tokens == whole.tokens);
        session.truncate(0);
        session.append(prompt);
        CHECK(generate(session, 100).tokens == whole.tokens);
    }
    SUBCASE("with a loop and a sampler of the host") {
        linnet::Session own(model);
        linnet::Sampler greedy(model);
        own.append(prompt);
        std::vector<linnet_token> tokens;
        while (tokens.size() < whole.tokens.size()) {
            while (own.prefill().n_pending != 0) {
            }
            const auto logits = own.logits();
            tokens.push_back(greedy.sample(logits.data(), logits.size()));
            own.append({tokens.back()});
        }
        CHECK(tokens == whole.tokens);
    }
    SUBCASE("mapped, with other threads and batches") {
        linnet::EngineOptions engine_options;
        engine_options.n_threads = 3;
        linnet::Engine other(engine_options);
        linnet::ModelOptions mapped;
        mapped.weights = LINNET_WEIGHTS_MAPPED;
        linnet::SessionOptions small;
        small.n_batch = 3;
        linnet::Session there(linnet::Model(other, *path, mapped), small);
        there.append(prompt);
        CHECK(generate(there, 100).tokens == whole.tokens);
    }
}

TEST_CASE("generate: events say what happened") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::Engine engine;
    const linnet::Model model(engine, *path);
    linnet::SessionOptions options;
    options.n_ctx = 40;
    options.n_batch = 8;
    linnet::Session session(model, options);
    session.append(api::some_tokens(30));

    std::uint32_t n_past = 0;
    linnet::Event event = session.step();
    while (event.kind == LINNET_EVENT_PROGRESS) {
        CHECK(event.n_past > n_past);
        CHECK(event.n_past + event.n_pending == 30);
        n_past = event.n_past;
        event = session.step();
    }
    CHECK(n_past >= 8);
    CHECK(event.kind == LINNET_EVENT_TOKEN);
    CHECK(event.token >= 0);
    CHECK(event.n_past == 30);
    CHECK(event.n_pending == 1);

    SUBCASE("the context fills up") {
        while (event.kind != LINNET_EVENT_DONE) event = session.step();
        if (event.reason == LINNET_DONE_CONTEXT_FULL) {
            CHECK(session.tokens().size() == 40);
            CHECK_THROWS_AS(session.append(api::some_tokens(1)), linnet::Error);
            session.truncate(10);
            session.append(api::some_tokens(1));
            CHECK(session.step().n_past > 10);
        } else {
            CHECK(event.reason == LINNET_DONE_END_TOKEN);
        }
    }
    SUBCASE("a limit ends with DONE") {
        const Run run = generate(session, 3);
        if (run.reason == LINNET_DONE_MAX_TOKENS) CHECK(run.tokens.size() == 3);
        CHECK((run.reason == LINNET_DONE_MAX_TOKENS || run.reason == LINNET_DONE_END_TOKEN));
    }
    SUBCASE("an append that does not fit changes nothing") {
        const auto before = session.tokens();
        CHECK_THROWS_AS(session.append(api::some_tokens(20)), linnet::Error);
        CHECK_THROWS_AS(session.append(std::string(5000, 'x')), linnet::Error);
        CHECK(session.tokens() == before);
    }
    SUBCASE("logits are gone after truncation") {
        CHECK(session.logits().size() == model.info().n_vocab);
        session.truncate(5);
        CHECK_THROWS_AS(session.logits(), linnet::Error);
    }
}

TEST_CASE("generate: a seed decides, and a reset starts again") {
    const auto path = api::small_model();
    if (!path) return;
    linnet::Engine engine;
    const linnet::Model model(engine, *path);
    linnet::SamplerOptions options;
    options.temperature = 1.0F;
    options.seed = 42;
    const auto story = [&](linnet::Sampler& sampler) {
        linnet::Session session(model);
        session.set_sampler(sampler);
        session.append("Once upon a time");
        return generate(session, 40).tokens;
    };
    linnet::Sampler sampler(model, options);
    const auto first = story(sampler);
    CHECK(story(sampler) != first);
    sampler.reset();
    CHECK(story(sampler) == first);
    linnet::Sampler same(model, options);
    CHECK(story(same) == first);

    options = linnet::SamplerOptions();
    std::vector<linnet_logit_bias> biases;
    linnet::Sampler greedy(model);
    const auto plain = story(greedy);
    biases.push_back({plain[0], -INFINITY});
    options.biases = biases.data();
    options.n_biases = biases.size();
    linnet::Sampler banned(model, options);
    biases[0].token = 0;  // copied
    const auto without = story(banned);
    CHECK(std::count(without.begin(), without.end(), plain[0]) == 0);
}

TEST_CASE("generate: tokens, texts and attributes of the small model") {
    const auto path = api::small_model();
    if (!path) return;
    linnet::Engine engine;
    const linnet::Model model(engine, *path);
    const std::string text = "The fox said: \"caf\xc3\xa9?\" <|im_end|>";
    const auto tokens = model.tokenize(text);
    CHECK(model.detokenize(tokens, LINNET_DETOKENIZE_SKIP_SPECIAL) == "The fox said: \"caf\xc3\xa9?\" ");
    CHECK(tokens.back() == 3);  // <|im_end|>: models/ card
    CHECK((model.token_attributes(3) & LINNET_TOKEN_CONTROL) != 0);
    CHECK((model.token_attributes(3) & LINNET_TOKEN_END) != 0);
    CHECK(model.token_bytes(3) == "<|im_end|>");
    CHECK(model.special_token(LINNET_SPECIAL_BOS) == 1);
    CHECK(tokens.front() == 1);
    const auto plain = model.tokenize(text, LINNET_TOKENIZE_PLAIN | LINNET_TOKENIZE_NO_SPECIAL);
    CHECK(plain.front() != 1);
    CHECK(std::count(plain.begin(), plain.end(), 3) == 0);
    CHECK(model.detokenize(plain) == text);
    std::string bytes;
    for (const linnet_token token : plain) bytes += model.token_bytes(token);
    CHECK(bytes == text);
    // Half a character stays visible, as one replacement.
    for (const linnet_token token : plain) {
        const std::string piece = model.token_bytes(token);
        if (piece == "\xc3") CHECK(model.detokenize({token}) == "\xef\xbf\xbd");
    }
}

TEST_CASE("generate: the host's floating-point mode changes nothing and is given back") {
    const auto path = api::tiny_model();
    if (!path) return;
    const auto story = [&] {
        linnet::Engine engine;
        const linnet::Model model(engine, *path);
        linnet::SamplerOptions options;
        options.temperature = 1.5F;
        options.seed = 3;
        linnet::Session session(model);
        session.set_sampler(linnet::Sampler(model, options));
        session.append(api::some_tokens(20));
        const auto tokens = generate(session, 20).tokens;
        const auto logits = session.logits();
        linnet::Sampler own(model, options);
        const linnet_token sampled = own.sample(logits.data(), logits.size());
        return std::make_tuple(tokens, logits, sampled);
    };
    const auto expected = story();
    REQUIRE(std::fesetround(FE_UPWARD) == 0);
    const auto result = story();
    const int mode = std::fegetround();
    std::fesetround(FE_TONEAREST);
    CHECK(mode == FE_UPWARD);
    CHECK(result == expected);
}
