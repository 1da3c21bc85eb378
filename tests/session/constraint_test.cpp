// SPDX-License-Identifier: MIT
// Sessions under a grammar: what comes out satisfies it (judged by std::regex and nlohmann), forced text is what the
// tokenizer makes of it and costs no passes, and budgets, cuts and appends change nothing about that.
#include "constrain/grammar.hpp"

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "constrain/constrain_support.hpp"
#include "session/session.hpp"
#include "support/fixtures.hpp"

using linnet::DoneReason;
using linnet::Engine;
using linnet::EngineOptions;
using linnet::Error;
using linnet::Event;
using linnet::EventKind;
using linnet::Model;
using linnet::PassShape;
using linnet::Sampler;
using linnet::SamplerOptions;
using linnet::Session;
using linnet::Status;
using linnet::Token;
using linnet::constrain::Grammar;
using linnet::constrain::Spaces;
using linnet::constrain::TokenTrie;

namespace {

struct Shared {
    std::shared_ptr<const Model> model;
    std::shared_ptr<const TokenTrie> trie;
};

const Shared& shared() {
    static const Shared result = [] {
        EngineOptions options;
        options.n_threads = 2;
        const auto engine = std::make_shared<Engine>(options);
        const std::string path = (fixtures::models() / "tiny-tales-6m-Q8_0.gguf").string();
        auto model = std::make_shared<Model>(engine, linnet::gguf::File::open(path, true, engine->memory),
                                             linnet::LoadOptions());
        auto trie = std::make_shared<TokenTrie>(model->tokenizer(), engine->memory);
        return Shared{std::move(model), std::move(trie)};
    }();
    return result;
}

linnet::Memory& memory() { return shared().model->engine().memory; }

std::shared_ptr<const Grammar> grammar(Grammar made) { return std::make_shared<Grammar>(std::move(made)); }
std::shared_ptr<const Grammar> regex(const char* pattern) { return grammar(Grammar::from_regex(pattern, memory())); }

constexpr const char* kPerson = R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 12},
    "animal": {"enum": ["fox", "rabbit", "bear"]}, "age": {"type": "integer", "minimum": 0, "maximum": 99},
    "likes": {"type": "array", "items": {"type": "string", "maxLength": 8}, "maxItems": 3}},
    "required": ["name", "animal", "age", "likes"], "additionalProperties": false})";

PassShape shape() {
    PassShape result;
    result.n_ctx = 512;
    return result;
}

struct Run {
    std::string text;
    std::vector<Token> tokens;  // of the text
    std::size_t n_token_events = 0;
    DoneReason reason = DoneReason::none;
    bool dropped = false;  // a jump took the place of tokens
};

Run finish(Session& session, std::size_t start, std::uint64_t budget_us = 0) {
    Run run;
    const bool is_whole = session.tokens().size() == start;
    for (int i = 0; i < 1'000'000; ++i) {
        const std::size_t before = session.tokens().size();
        const Event event = session.step(budget_us);
        run.text += event.text;
        std::pmr::string held;
        shared().model->tokenizer().decode(session.tokens().subspan(start), true, held);
        if (is_whole) CHECK(std::string_view(held).starts_with(run.text));  // what is shown is in the sequence
        if (event.kind == EventKind::token) ++run.n_token_events;
        if (event.kind == EventKind::token && session.tokens().size() != before + 1) run.dropped = true;
        if (event.kind != EventKind::done) continue;
        run.reason = event.reason;
        break;
    }
    const auto tokens = session.tokens().subspan(start);
    run.tokens.assign(tokens.begin(), tokens.end());
    return run;
}

void sample(Session& session, std::uint64_t seed, float temperature = 1.5F) {
    SamplerOptions options;
    options.temperature = temperature;
    options.seed = seed;
    session.set_sampler(std::make_shared<Sampler>(shared().model->spec().n_vocab, options, memory()));
}

std::string decoded(const std::vector<Token>& tokens) {
    std::pmr::string text;
    shared().model->tokenizer().decode(tokens, true, text);
    return std::string(text);
}

std::vector<Token> encoded(std::string_view text) {
    std::pmr::vector<Token> ids;
    shared().model->tokenizer().encode(text, {.add_special = false, .parse_special = false, .in_text = true}, ids);
    return {ids.begin(), ids.end()};
}

}  // namespace

TEST_CASE("a forced text is the tokenizer's, and nothing is computed for it") {
    const std::string text = "The little fox said: \"Hello, 123 friends!\"\n\n  {\"name\":\"Ruby\"} caf\xC3\xA9.";
    const std::vector<std::string_view> choices = {text};
    Session session(shared().model, shape());
    session.append_text("Once upon a time", {});
    const std::size_t start = session.tokens().size();
    session.set_grammar(grammar(Grammar::from_choices(choices, memory())), shared().trie);
    const Run run = finish(session, start);
    CHECK(run.text == text);
    CHECK(run.reason == DoneReason::grammar);
    CHECK(run.tokens == encoded(text));
    CHECK(session.step(0).n_past == 0);
    CHECK(session.step(0).kind == EventKind::done);  // and stays at its end
}

TEST_CASE("what may become part of a longer token is left to the choice") {
    const std::vector<std::string_view> choices = {"Once there was a fox", "Once there was a forest"};
    const auto made = grammar(Grammar::from_choices(choices, memory()));
    for (const std::string_view choice : choices) {
        const std::vector<Token> expected = encoded(choice);
        REQUIRE(decoded({expected.back()}).starts_with(" fo"));
        const linnet::LogitBias biases[] = {{expected.back(), 1000.0F}};
        Session session(shared().model, shape());
        session.append_text("Well.", {});
        const std::size_t start = session.tokens().size();
        session.set_grammar(made, shared().trie);
        session.set_sampler(
            std::make_shared<Sampler>(shared().model->spec().n_vocab, SamplerOptions{.biases = biases}, memory()));
        const Run run = finish(session, start);
        CHECK(run.text == choice);
        CHECK(run.tokens == expected);
    }
}

TEST_CASE("forced text that has not come yet goes with a truncation and with the grammar") {
    const std::vector<std::string_view> first = {"The little fox ran far away over the hills."};
    const std::vector<std::string_view> second = {"A bear slept."};
    for (int n_steps = 1; n_steps < 6; ++n_steps) {
        CAPTURE(n_steps);
        Session session(shared().model, shape());
        session.append_text("Once upon a time", {});
        const std::size_t start = session.tokens().size();
        session.set_grammar(grammar(Grammar::from_choices(first, memory())), shared().trie);
        for (int i = 0; i < n_steps; ++i) REQUIRE(session.step(0).kind == EventKind::token);
        session.truncate(start);
        CHECK(finish(session, start).text == first[0]);
        session.truncate(start);
        for (int i = 0; i < n_steps; ++i) REQUIRE(session.step(0).kind == EventKind::token);
        const std::size_t now = session.tokens().size();
        session.set_grammar(grammar(Grammar::from_choices(second, memory())), shared().trie);
        CHECK(finish(session, now).text == second[0]);
    }
}

TEST_CASE("masked logits: those of tokens that may come, as trying each of them says") {
    linnet::Memory own;
    const constrain_support::Vocabulary vocabulary(own, {"ab", "xyz", "a", "bb"});
    const std::shared_ptr<const TokenTrie> trie(std::shared_ptr<void>(), &vocabulary.trie());
    constexpr float kNever = -std::numeric_limits<float>::infinity();
    for (const char* const pattern : {"[^a-c]*", "[ab]{1,3}", "a[^b]*"}) {
        CAPTURE(pattern);
        const auto made = grammar(Grammar::from_regex(pattern, own));
        for (const std::size_t n_vocab : {vocabulary.size() - 10, vocabulary.size(), vocabulary.size() + 70}) {
            CAPTURE(n_vocab);
            linnet::Constraint constraint(made, trie, static_cast<std::uint32_t>(n_vocab), own);
            constrain_support::Matcher matcher(*made, *trie, own);
            std::vector<float> logits(n_vocab);
            for (std::size_t id = 0; id < n_vocab; ++id) logits[id] = static_cast<float>(id);
            const auto check_mask = [&] {
                const auto masked = constraint.masked(logits);
                REQUIRE(masked.size() == n_vocab);
                const std::size_t n_steps = matcher.n_steps();
                for (std::size_t id = 0; id < n_vocab; ++id) {
                    CAPTURE(id);
                    const bool may_come =
                        id < vocabulary.size() && matcher.accept(static_cast<Token>(id)) == Status::ok;
                    matcher.rollback(n_steps);
                    CHECK(masked[id] == (may_come ? logits[id] : kNever));
                }
            };
            const std::vector<Token> text = {vocabulary.longest(pattern[0] == 'a'   ? "a"
                                                                : pattern[1] == 'a' ? "b"
                                                                                    : "x")};
            constraint.begin(0);
            check_mask();
            constraint.follow(text);
            matcher.accept(text[0]);
            check_mask();
            constraint.begin(text.size());  // another text
            constraint.follow(text);
            matcher.reset();
            check_mask();
        }
    }
    linnet::Constraint few(grammar(Grammar::from_regex("zz", own)), trie, 100, own);  // z is 126
    few.begin(0);
    try {
        (void)few.masked(std::vector<float>(100));
        FAIL("no token of the model can write it");
    } catch (const Error& error) {
        CHECK(error.status() == Status::unsupported);
    }
}

TEST_CASE("random texts satisfy their regular expression, and events, tokens and text agree") {
    const char* patterns[] = {"[a-z]{1,5}ing (is|was) [0-9]{2,4}( apples| pears)? today\\.",
                              "(Once|One) upon[a-z ]{0,6}a time, [A-Z][a-z]+ said: \"[^\"\\\\]{1,20}\"",
                              "<b>[a-f]{1,9}</b>(<i>x</i>){2,3}", "\xC3\xA9[\xC3\xA0-\xC3\xBF]{2}\xE2\x82\xAC!"};
    bool dropped = false;
    std::size_t n_canonical = 0, n_runs = 0;
    for (const char* pattern : patterns) {
        CAPTURE(pattern);
        const auto made = regex(pattern);
        for (std::uint64_t seed = 1; seed <= 12; ++seed) {
            CAPTURE(seed);
            Session session(shared().model, shape());
            session.append_text("Once upon a time", {});
            const std::size_t start = session.tokens().size();
            session.set_grammar(made, shared().trie);
            sample(session, seed);
            const Run run = finish(session, start);
            CAPTURE(run.text);
            CHECK((run.reason == DoneReason::grammar || run.reason == DoneReason::end_token));
            CHECK(decoded(run.tokens) == run.text);
            if (pattern[0] != '\xC3') CHECK(std::regex_match(run.text, std::regex(pattern)));
            if (pattern[0] == '\xC3') CHECK((run.text.size() == 10 && run.text.ends_with("\xE2\x82\xAC!")));
            dropped = dropped || run.dropped;
            ++n_runs;
            std::vector<Token> tokens = run.tokens;
            if (run.reason == DoneReason::end_token) tokens.pop_back();
            if (tokens == encoded(run.text)) ++n_canonical;
        }
    }
    CHECK(dropped);
    CHECK(n_canonical * 4 > n_runs);
}

TEST_CASE("random documents satisfy their schema") {
    for (const Spaces spaces : {Spaces::free, Spaces::none}) {
        const auto made = grammar(Grammar::from_schema(kPerson, memory(), spaces));
        int n_complete = 0;
        for (std::uint64_t seed = 1; seed <= 8; ++seed) {
            CAPTURE(seed);
            Session session(shared().model, shape());
            session.append_text("A fox: ", {});
            const std::size_t start = session.tokens().size();
            session.set_grammar(made, shared().trie);
            sample(session, seed);
            const Run run = finish(session, start);
            if (run.reason == DoneReason::context_full) continue;
            ++n_complete;
            CAPTURE(run.text);
            const auto document = nlohmann::json::parse(run.text);
            REQUIRE(document.size() == 4);
            CHECK(document.at("name").is_string());
            CHECK(document.at("age").is_number_integer());
            CHECK(document.at("age") >= 0);
            CHECK(document.at("age") <= 99);
            CHECK(document.at("likes").size() <= 3);
            const std::string animal = document.at("animal");
            CHECK((animal == "fox" || animal == "rabbit" || animal == "bear"));
        }
        CHECK(n_complete >= 6);
    }
}

TEST_CASE("under a grammar, budgets and cuts change nothing") {
    const auto made = grammar(Grammar::from_schema(kPerson, memory(), Spaces::none));
    Session plain(shared().model, shape());
    plain.append_text("Once upon a time", {});
    const std::size_t start = plain.tokens().size();
    plain.set_grammar(made, shared().trie);
    const Run expected = finish(plain, start);
    REQUIRE(expected.reason == DoneReason::grammar);

    Session budgeted(shared().model, shape());
    budgeted.set_grammar(made, shared().trie);  // before the prompt: appending begins it anew
    budgeted.append_text("Once upon a time", {});
    const Run split = finish(budgeted, start, 20);
    CHECK(split.text == expected.text);
    CHECK(split.tokens == expected.tokens);

    for (std::size_t n = 0; n <= expected.tokens.size(); ++n) {
        CAPTURE(n);
        plain.truncate(start + n);
        const Run again = finish(plain, start);
        CHECK(decoded(again.tokens) == expected.text);
    }
    // Before the text: it begins where the sequence ends now.
    plain.truncate(start - 1);
    CHECK(nlohmann::json::parse(finish(plain, start - 1).text).size() == 4);
    plain.append_text(" And then: ", {});
    CHECK(nlohmann::json::parse(finish(plain, start).text).size() == 4);
    plain.set_grammar(nullptr, nullptr);
    CHECK(plain.step(0).reason != DoneReason::grammar);
}

TEST_CASE("a ban does not break a grammar; a full context ends it; cancelling comes first") {
    const auto made = regex("[ab]{40}");
    Session session(shared().model, shape());
    session.append_text("Once", {});
    const std::size_t start = session.tokens().size();
    session.set_grammar(made, shared().trie);
    std::vector<linnet::LogitBias> biases;
    for (Token token = 0; token < static_cast<Token>(shared().model->spec().n_vocab); ++token) {
        biases.push_back({token, -std::numeric_limits<float>::infinity()});
    }
    SamplerOptions options;
    options.biases = biases;
    session.set_sampler(std::make_shared<Sampler>(shared().model->spec().n_vocab, options, memory()));
    const Run run = finish(session, start);
    CHECK(std::regex_match(run.text, std::regex("[ab]{40}")));

    PassShape small;
    small.n_ctx = 8;
    Session full(shared().model, small);
    full.append_text("Once", {});
    full.set_grammar(regex("[ab]{400}"), shared().trie);
    CHECK(finish(full, 1).reason == DoneReason::context_full);
    full.truncate(1);
    full.set_grammar(regex("abcabcabcabcabcabcabcabcabcabc"), shared().trie);
    const Run cut = finish(full, 1);
    CHECK(cut.reason == DoneReason::context_full);
    CHECK(std::string("abcabcabcabcabcabcabcabcabcabc").starts_with(cut.text));

    session.truncate(start);
    session.set_grammar(regex("Hello there!"), shared().trie);
    session.cancel();
    try {
        session.step(0);
        FAIL("not cancelled");
    } catch (const Error& error) {
        CHECK(error.status() == Status::cancelled);
    }
    CHECK(finish(session, start).text == "Hello there!");
    session.cancel();  // at the end of its text, too
    CHECK_THROWS_AS(session.step(0), Error);
    CHECK(session.step(0).reason == DoneReason::grammar);
    full.cancel();
    CHECK_THROWS_AS(full.step(0), Error);
    CHECK(full.step(0).reason == DoneReason::context_full);
}
