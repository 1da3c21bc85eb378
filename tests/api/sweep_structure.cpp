// SPDX-License-Identifier: MIT
// The sweep's part for grammars, stops, log-probabilities, scores and fill-in-the-middle.
#include "api/sweep.hpp"

using namespace sweep;

void sweep::add_structure(Table& table) {
    table["linnet_grammar_create"] = [](Sweep& s) {
        linnet_grammar* made = nullptr;
        const auto create = [&](std::int32_t kind, const std::string& text) {
            return [&s, &made, kind, text](linnet_error* e) {
                return linnet_grammar_create(s.model, kind, text.data(), text.size(), &made, e);
            };
        };
        s.refuses("grammar", [&](linnet_error* e) { return linnet_grammar_create(s.model, 1, "{}", 2, nullptr, e); });
        s.refuses("model", [&](linnet_error* e) { return linnet_grammar_create(nullptr, 1, "{}", 2, &made, e); });
        s.refuses("text", [&](linnet_error* e) { return linnet_grammar_create(s.model, 1, nullptr, 2, &made, e); });
        s.refuses("text", [&](linnet_error* e) { return linnet_grammar_create(s.model, 1, "", SIZE_MAX, &made, e); });
        for (const std::int32_t kind : kInts) s.refuses("kind", create(kind, "{}"));
        for (const std::int32_t kind : {0, 6}) s.refuses("kind", create(kind, "{}"));
        for (const std::int32_t kind : {LINNET_GRAMMAR_JSON_SCHEMA, LINNET_GRAMMAR_JSON_SCHEMA_COMPACT}) {
            s.refuses("line 2, column 2", create(kind, "{\n !}"));
            s.refuses("no text", create(kind, "false"));
            s.refuses("#/properties/a", create(kind, R"({"properties": {"a": 5}})"));
            s.refuses("'unevaluatedItems'", create(kind, R"({"unevaluatedItems": false})"), LINNET_ERROR_UNSUPPORTED);
            s.refuses("nested", create(kind, std::string(1'000'000, '[')), LINNET_ERROR_UNSUPPORTED);
        }
        s.refuses("line 1, column", create(LINNET_GRAMMAR_GBNF, "root ::= ("));
        s.refuses("offset 1", create(LINNET_GRAMMAR_REGEX, "a)"));
        s.refuses("no text", create(LINNET_GRAMMAR_REGEX, "[^\\s\\S]"));
        s.refuses("none", create(LINNET_GRAMMAR_CHOICES, "[]"));
        s.refuses("/1 ", create(LINNET_GRAMMAR_CHOICES, "[\"a\", 1]"));
        s.refuses("array", create(LINNET_GRAMMAR_CHOICES, "{}"));
        s.refuses("line 1, column", create(LINNET_GRAMMAR_CHOICES, "[\"a\""));
        CHECK(made == nullptr);
    };
    table["linnet_grammar_destroy"] = [](Sweep&) { linnet_grammar_destroy(nullptr); };
    table["linnet_session_set_grammar"] = [](Sweep& s) {
        s.refuses("session", [](linnet_error* e) { return linnet_session_set_grammar(nullptr, nullptr, e); });
        CHECK(linnet_session_set_grammar(s.session, nullptr, nullptr) == LINNET_OK);
        linnet_model* other = nullptr;
        linnet_grammar* foreign = nullptr;
        REQUIRE(linnet_model_load(s.engine, s.path_.c_str(), nullptr, &other, nullptr) == LINNET_OK);
        REQUIRE(linnet_grammar_create(other, LINNET_GRAMMAR_REGEX, "a", 1, &foreign, nullptr) == LINNET_OK);
        s.refuses("model", [&](linnet_error* e) { return linnet_session_set_grammar(s.session, foreign, e); });
        linnet_grammar_destroy(foreign);
        linnet_model_destroy(other);
    };

    table["linnet_session_set_stops"] = [](Sweep& s) {
        const auto set = [&](const linnet_text* texts, std::size_t n_texts, const linnet_token* tokens, std::size_t n) {
            return [&s, texts, n_texts, tokens, n](linnet_error* e) {
                return linnet_session_set_stops(s.session, texts, n_texts, tokens, n, e);
            };
        };
        const linnet_text good = {"stop", 4};
        const linnet_token token = 5;
        s.refuses("session",
                  [&](linnet_error* e) { return linnet_session_set_stops(nullptr, &good, 1, nullptr, 0, e); });
        s.refuses("texts", set(nullptr, 1, nullptr, 0));
        s.refuses("texts", set(&good, SIZE_MAX, nullptr, 0));
        s.refuses("tokens", set(nullptr, 0, nullptr, 1));
        s.refuses("tokens", set(nullptr, 0, &token, SIZE_MAX));
        s.refuses("n_tokens", set(nullptr, 0, &token, std::size_t{s.n_vocab} + 1));
        for (const linnet_token wrong : {INT_MIN, -1, static_cast<int>(s.n_vocab), INT_MAX}) {
            s.refuses("tokens[0]", set(nullptr, 0, &wrong, 1));
        }
        const std::string huge(5000, 'x');
        const linnet_text bad[] = {{nullptr, 3}, {"", 0}, {nullptr, 0}, {"\xFF", 1}, {huge.data(), huge.size()}};
        for (const linnet_text& text : bad) s.refuses("texts", set(&text, 1, nullptr, 0));
        CHECK(set(&good, 1, &token, 1)(nullptr) == LINNET_OK);
        CHECK(set(nullptr, 0, nullptr, 0)(nullptr) == LINNET_OK);
    };
    table["linnet_session_get_logprobs"] = [](Sweep& s) {
        linnet_logprob chosen{}, top{};
        s.refuses("session",
                  [&](linnet_error* e) { return linnet_session_get_logprobs(nullptr, &chosen, &top, 1, e); });
        s.refuses("top",
                  [&](linnet_error* e) { return linnet_session_get_logprobs(s.session, &chosen, nullptr, 1, e); });
        s.refuses("n_top", [&](linnet_error* e) {
            return linnet_session_get_logprobs(s.session, &chosen, &top, std::size_t{s.n_vocab} + 1, e);
        });
        s.refuses(
            "", [&](linnet_error* e) { return linnet_session_get_logprobs(s.session, &chosen, &top, 1, e); },
            LINNET_ERROR_NOT_FOUND);
        CHECK(chosen.token == -1);
    };
    table["linnet_score"] = [](Sweep& s) {
        const linnet_text good = {"a", 1};
        const linnet_text bad = {nullptr, 1};
        linnet_continuation_score score{};
        const auto run = [&](const linnet_text* texts, std::size_t n, std::uint32_t flags,
                             linnet_continuation_score* scores) {
            return [&s, texts, n, flags, scores](linnet_error* e) {
                return linnet_score(s.session, texts, n, flags, scores, e);
            };
        };
        s.refuses("session", [&](linnet_error* e) { return linnet_score(nullptr, &good, 1, 0, &score, e); });
        s.refuses("scores", run(&good, 1, 0, nullptr));
        s.refuses("scores", run(&good, SIZE_MAX, 0, &score));
        s.refuses("continuations", run(nullptr, 1, 0, &score));
        s.refuses("continuations", run(&bad, 1, 0, &score));
        s.refuses("flags", run(&good, 1, 4, &score));
        s.refuses("empty", run(&good, 1, 0, &score));  // the sequence is
    };
    table["linnet_session_append_fim"] = [](Sweep& s) {
        const auto append = [&](const char* prefix, std::size_t n, const char* suffix, std::size_t m) {
            return [&s, prefix, n, suffix, m](linnet_error* e) {
                return linnet_session_append_fim(s.session, prefix, n, suffix, m, e);
            };
        };
        s.refuses("session", [](linnet_error* e) { return linnet_session_append_fim(nullptr, "a", 1, "b", 1, e); });
        s.refuses("prefix", append(nullptr, 1, "b", 1));
        s.refuses("prefix", append("a", SIZE_MAX, "b", 1));
        s.refuses("suffix", append("a", 1, nullptr, 1));
        s.refuses("suffix", append("a", 1, "b", SIZE_MAX));
        s.refuses("fill-in-the-middle", append("a", 1, "b", 1), LINNET_ERROR_UNSUPPORTED);
    };
}
