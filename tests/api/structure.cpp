// SPDX-License-Identifier: MIT
// Structured text through linnet.h: grammars are shared and outlive their handles; stops, log-probabilities
// and scores are what plain generations and logits say.
#include <algorithm>
#include <cmath>

#include "api/api.hpp"

namespace {

// All text of a generation, and why it ended.
struct Text {
    std::string text;
    std::int32_t reason = 0;
    linnet_token token = -1;
};

Text generate(linnet::Session& session, std::uint32_t max_tokens = 200) {
    Text result;
    session.generate(max_tokens, [&](const linnet::Event& event) {
        result.text += event.text;
        result.reason = event.reason;
        result.token = event.token;
    });
    return result;
}

}  // namespace

TEST_CASE("structure: a grammar serves several sessions and outlives its handle and its model's") {
    const auto path = api::small_model();
    if (!path) return;
    std::optional<linnet::Session> first, second;
    {
        const linnet::Engine engine;
        const linnet::Model model(engine, *path);
        const linnet::Grammar grammar(model, LINNET_GRAMMAR_CHOICES, R"(["red", "green and blue"])");
        first.emplace(model);
        second.emplace(model);
        for (linnet::Session* session : {&*first, &*second}) {
            session->append("The sky is ");
            session->set_grammar(grammar);
        }
    }
    const Text one = generate(*first);
    CHECK((one.text == "red" || one.text == "green and blue"));
    CHECK(one.reason == LINNET_DONE_GRAMMAR);
    CHECK(generate(*second).text == one.text);
    CHECK(generate(*second).text.empty());
    second->append(" or ");
    CHECK(generate(*second).reason == LINNET_DONE_GRAMMAR);
    second->set_no_grammar();
    CHECK(generate(*second, 2).reason == LINNET_DONE_MAX_TOKENS);
}

TEST_CASE("structure: stop texts and tokens") {
    const auto path = api::small_model();
    if (!path) return;
    const linnet::Engine engine;
    const linnet::Model model(engine, *path);
    linnet::Session session(model);
    session.append("Once upon a time, there was a little fox");
    const std::size_t start = session.tokens().size();
    const std::string plain = generate(session, 60).text;
    REQUIRE(plain.size() > 100);
    // Every part of the text as a stop: what is shown ends where it first comes.
    for (std::size_t begin = 0; begin + 7 < plain.size(); begin += 5) {
        const std::string stop = plain.substr(begin, 1 + begin % 7);
        CAPTURE(stop);
        session.truncate(start);
        session.set_stops({"never comes", stop, stop + "nor this"});
        const Text stopped = generate(session, 60);
        CHECK(stopped.text == plain.substr(0, plain.find(stop)));
        CHECK(stopped.reason == LINNET_DONE_STOP);
        CHECK(stopped.token == session.tokens().back());
    }
    // Held back at the end, it is shown then.
    session.truncate(start);
    session.set_stops({plain + "!"});
    CHECK(generate(session, 60).text == plain);
    session.truncate(start);
    session.set_stops({});
    generate(session, 5);
    const linnet::Token last = session.tokens().back();
    session.truncate(start);
    session.set_stops({}, {last});
    const Text stopped = generate(session, 60);
    CHECK(stopped.reason == LINNET_DONE_STOP);
    CHECK(stopped.token == last);
    CHECK(session.tokens().back() == last);
    CHECK(plain.find(stopped.text) == 0);
}

TEST_CASE("structure: log-probabilities are those of the logits") {
    const auto path = api::small_model();
    if (!path) return;
    const linnet::Engine engine;
    const linnet::Model model(engine, *path);
    linnet::Session session(model);
    session.append("Once upon a time");
    for (int i = 0; i < 10; ++i) {
        const linnet::Event event = session.step();
        if (event.kind != LINNET_EVENT_TOKEN) continue;
        const std::vector<float> logits = session.logits();
        double total = 0;
        for (const float logit : logits) total += std::exp(static_cast<double>(logit));
        const auto logprob = [&](linnet::Token token) {
            return static_cast<double>(logits[static_cast<std::size_t>(token)]) - std::log(total);
        };
        const auto given = session.logprobs(8);
        CHECK(given.chosen.token == event.token);
        CHECK(static_cast<double>(given.chosen.logprob) == doctest::Approx(logprob(event.token)).epsilon(1e-5));
        CHECK(given.top[0].token == event.token);  // greedy
        std::vector<linnet::Token> order(logits.size());
        for (std::size_t j = 0; j < order.size(); ++j) order[j] = static_cast<linnet::Token>(j);
        std::stable_sort(order.begin(), order.end(), [&](linnet::Token a, linnet::Token b) {
            return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
        });
        for (std::size_t j = 0; j < 8; ++j) {
            CHECK(given.top[j].token == order[j]);
            CHECK(static_cast<double>(given.top[j].logprob) == doctest::Approx(logprob(order[j])).epsilon(1e-5));
        }
    }
    session.append(std::vector<linnet::Token>{5, 6});
    while (session.prefill().n_pending != 0) {
    }
    CHECK(session.logprobs().chosen.token == -1);
}

TEST_CASE("structure: scores are the continuations' log-probabilities, and the sequence stays") {
    const auto path = api::small_model();
    if (!path) return;
    const linnet::Engine engine;
    const linnet::Model model(engine, *path);
    linnet::Session session(model);
    const std::string prompt = "Once upon a time, there was a little";
    session.append(prompt);
    const auto tokens = session.tokens();
    const std::vector<std::string_view> continuations = {" fox", " fox who lived in a forest.", "", " zebra crossing"};
    const auto scores = session.score(continuations);
    CHECK(session.tokens() == tokens);
    for (std::size_t i = 0; i < continuations.size(); ++i) {
        CAPTURE(i);
        // Token by token, each with the logits of a sequence of its own.
        std::vector<linnet::Token> sequence = tokens;
        double expected = 0;
        const auto ids = model.tokenize(continuations[i], LINNET_TOKENIZE_NO_SPECIAL);
        for (const linnet::Token id : ids) {
            const std::vector<float> logits = api::logits_of(model, sequence);
            double total = 0;
            for (const float logit : logits) total += std::exp(static_cast<double>(logit));
            expected += static_cast<double>(logits[static_cast<std::size_t>(id)]) - std::log(total);
            sequence.push_back(id);
        }
        CHECK(scores[i].n_tokens == ids.size());
        CHECK(scores[i].logprob == doctest::Approx(expected).epsilon(1e-6));
    }
    CHECK(scores[0].logprob > scores[3].logprob);
    const std::string next = generate(session, 10).text;
    linnet::Session fresh(model);
    fresh.append(prompt);
    CHECK(generate(fresh, 10).text == next);

    session.cancel();
    CHECK_THROWS_AS(session.score({" a b c"}), linnet::Error);
    linnet::SessionOptions small;
    small.n_ctx = 12;
    linnet::Session full(model, small);
    full.append(prompt);
    CHECK_THROWS_AS(full.score({" a b c d e f g h i j k l m n o p q"}), linnet::Error);
}

TEST_CASE("structure: sampler options reach the session") {
    const auto path = api::small_model();
    if (!path) return;
    const linnet::Engine engine;
    const linnet::Model model(engine, *path);
    linnet::SamplerOptions options;
    options.temperature = 1.0F;
    options.seed = 5;
    const linnet_text banned[] = {{"the", 3}, {" fo", 3}};
    options.banned = banned;
    options.n_banned = 2;
    const std::int32_t stages[] = {LINNET_STAGE_TEMPERATURE, LINNET_STAGE_DRY, LINNET_STAGE_TOP_K};
    options.stages = stages;
    options.n_stages = 3;
    options.top_k = 30;
    options.dry_multiplier = 0.8F;
    std::string text;
    for (int i = 0; i < 2; ++i) {
        linnet::Session session(model);
        const linnet::Sampler sampler(model, options);
        session.set_sampler(sampler);
        session.append("Once upon a time, t");
        const std::string again = generate(session, 200).text;
        if (i == 1) CHECK(again == text);
        text = again;
    }
    CHECK(text.find("the") == std::string::npos);
    CHECK(text.find(" fo") == std::string::npos);
    CHECK(text.find("he") != 0);  // what the prompt began
}
