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
}
