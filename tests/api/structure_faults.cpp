// SPDX-License-Identifier: MIT
// Every allocation of the host fails once in the life of a session with a grammar, stops, scores and a long chain of
// sampler stages; nothing is lost, and a session whose step failed goes on. Stepping through text that was seen before
// allocates nothing.
#include <cstring>

#include "api/api.hpp"

namespace {

constexpr const char* kSchema = R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 4},
    "kind": {"enum": ["fox", "bear"]}}, "required": ["name", "kind"], "additionalProperties": false})";

linnet_status live(linnet_model* model, linnet_error* error) {
    linnet_session_options session_options;
    linnet_session_options_init(&session_options, sizeof session_options);
    session_options.n_ctx = 96;
    session_options.n_batch = 16;
    linnet_sampler_options sampler_options;
    linnet_sampler_options_init(&sampler_options, sizeof sampler_options);
    sampler_options.temperature = 0.5F;
    sampler_options.typical_p = 0.9F;
    sampler_options.dry_multiplier = 0.5F;
    const linnet_text text = {"xyz", 3};
    sampler_options.banned = &text;
    sampler_options.n_banned = 1;
    linnet_session* session = nullptr;
    linnet_sampler* sampler = nullptr;
    linnet_grammar* grammar = nullptr;
    linnet_continuation_score score{};
    linnet_logprob logprob{};
    linnet_status status = linnet_session_create(model, &session_options, &session, error);
    if (status == LINNET_OK) status = linnet_sampler_create(model, &sampler_options, &sampler, error);
    if (status == LINNET_OK) status = linnet_session_set_sampler(session, sampler, error);
    if (status == LINNET_OK) {
        status = linnet_grammar_create(model, LINNET_GRAMMAR_JSON_SCHEMA_COMPACT, kSchema, std::strlen(kSchema),
                                       &grammar, error);
    }
    if (status == LINNET_OK) status = linnet_session_append_text(session, "a b c", 5, 0, error);
    if (status == LINNET_OK) status = linnet_session_set_stops(session, &text, 1, nullptr, 0, error);
    if (status == LINNET_OK) status = linnet_session_set_grammar(session, grammar, error);
    if (status == LINNET_OK) status = linnet_score(session, &text, 1, 0, &score, error);
    if (status == LINNET_OK) status = linnet_session_generate(session, 12, nullptr, nullptr, error);
    if (status == LINNET_OK) status = linnet_session_truncate(session, 3, error);
    if (status == LINNET_OK) status = linnet_session_generate(session, 12, nullptr, nullptr, error);
    if (status == LINNET_OK) status = linnet_session_get_logprobs(session, nullptr, &logprob, 1, error);
    // Whatever failed: the session still works.
    if (session != nullptr) {
        (void)linnet_session_truncate(session, 0, nullptr);
        const linnet_token again[] = {5, 6};
        if (linnet_session_append_tokens(session, again, 2, nullptr) == LINNET_OK) {
            (void)linnet_session_generate(session, 3, nullptr, nullptr, nullptr);
        }
    }
    linnet_grammar_destroy(grammar);
    linnet_sampler_destroy(sampler);
    linnet_session_destroy(session);
    return status;
}

}  // namespace

TEST_CASE("faults: each allocation of grammars, stops and scores fails once") {
    const auto path = api::tiny_model();
    if (!path) return;
    std::uint64_t n_failures = 0;
    for (;;) {
        api::HostMemory memory;
        linnet_engine_options engine_options;
        linnet_engine_options_init(&engine_options, sizeof engine_options);
        engine_options.n_threads = 1;
        memory.install(engine_options);
        linnet_engine* engine = nullptr;
        linnet_model* model = nullptr;
        REQUIRE(linnet_engine_create(&engine_options, &engine, nullptr) == LINNET_OK);
        REQUIRE(linnet_model_load(engine, path->c_str(), nullptr, &model, nullptr) == LINNET_OK);
        // All of the first ones, then ever fewer: a grammar allocates a lot.
        memory.fail_at(n_failures + 1);
        linnet_error error = LINNET_ERROR_INIT;
        const linnet_status status = live(model, &error);
        const bool failed = memory.failed();
        linnet_engine_destroy(engine);
        linnet_model_destroy(model);
        CAPTURE(n_failures);
        CAPTURE(error.text);
        REQUIRE(memory.n_live() == 0);
        REQUIRE(memory.n_wrong() == 0);
        if (!failed) {
            REQUIRE(status == LINNET_OK);
            break;
        }
        REQUIRE((status == LINNET_ERROR_OUT_OF_MEMORY || status == LINNET_OK));
        n_failures += 1 + n_failures / 50;
    }
    CHECK(n_failures > 50);
}

TEST_CASE("memory: a text that a grammar has seen before costs none") {
    const auto path = api::small_model();
    if (!path) return;
    linnet::Engine engine;
    const linnet::Model model(engine, *path);
    const linnet::Grammar grammar(model, LINNET_GRAMMAR_REGEX, "[a-z ,.]{40,60}");
    linnet::Session session(model);
    session.append("Once upon a time");
    const std::size_t start = session.tokens().size();
    session.set_grammar(grammar);
    session.generate(0, [](const linnet::Event&) {});
    const auto first = session.tokens();
    session.truncate(start);
    const std::uint64_t before = engine.info().n_allocations;
    session.generate(0, [](const linnet::Event&) {});
    CHECK(engine.info().n_allocations == before);
    CHECK(session.tokens() == first);
}
