// SPDX-License-Identifier: MIT
// JSON schemas: the published test suite for draft 2020-12, a slice of MaskBench, and what is refused.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "constrain_support.hpp"
#include "support/fixtures.hpp"

using namespace constrain_support;
using Json = nlohmann::ordered_json;

namespace {

// As Python's json.dumps writes it.
std::string serialised(const Json& value) {
    std::string text;
    if (value.is_array()) {
        for (const Json& element : value) text += (text.empty() ? "" : ", ") + serialised(element);
        return "[" + text + "]";
    }
    if (value.is_object()) {
        for (const auto& [key, element] : value.items()) {
            text += (text.empty() ? "" : ", ") + Json(key).dump() + ": " + serialised(element);
        }
        return "{" + text + "}";
    }
    const double number = value.is_number_float() ? value.get<double>() : 0.5;
    if (std::abs(number) < 1e16 && number == std::trunc(number)) return fmt::format("{:.1f}", number);
    return value.dump();
}

std::string error(std::string_view schema) {
    return error_of([&] {
        Memory memory;
        Grammar::from_schema(schema, memory);
    });
}

bool accepts(std::string_view schema, std::string_view text) {
    Memory memory;
    return constrain_support::accepts(Grammar::from_schema(schema, memory), text);
}

struct Outcome {
    std::size_t n_tests = 0;
    std::string wrong;                   // a line each
    std::map<std::string, int> refused;  // by keyword
};

void judge(const std::string& name, const Json& schema, const Json& tests, const Vocabulary& vocabulary,
           Outcome& outcome) {
    Memory memory;
    try {
        const Grammar grammar = Grammar::from_schema(schema.dump(), memory);
        Matcher matcher(grammar, vocabulary.trie(), memory);
        for (const Json& test : tests) {
            ++outcome.n_tests;
            const std::string text = serialised(test.at("data"));
            if (constrain_support::accepts(matcher, text) != test.at("valid").get<bool>())
                outcome.wrong += name + ": " + text + "\n";
        }
    } catch (const Error& e) {
        const std::string_view what = e.what();
        const std::size_t start = what.find('\'') + 1;
        ++outcome.refused[std::string(what.substr(start, what.find('\'', start) - start))];
    }
}

}  // namespace

TEST_CASE("draft 2020-12: every test of a supported keyword, every other one refused by name") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: no ../shared");
        return;
    }
    Memory memory;
    const Vocabulary vocabulary(memory);
    Outcome outcome;
    for (const auto& entry : std::filesystem::directory_iterator(*shared / "schemas" / "draft2020-12")) {
        std::ifstream file(entry.path());
        for (const Json& group : Json::parse(file)) {
            judge(entry.path().stem().string() + ", " + group.at("description").get<std::string>(), group.at("schema"),
                  group.at("tests"), vocabulary, outcome);
        }
    }
    CHECK(outcome.wrong == "");
    CHECK(outcome.n_tests >= 960);
    const std::map<std::string, int> refused = {
        {"$dynamicRef", 17},           {"$ref", 22},      {"$schema", 2}, {"multipleOf", 1}, {"unevaluatedItems", 28},
        {"unevaluatedProperties", 46}, {"uniqueItems", 2}};
    CHECK(outcome.refused == refused);
}

TEST_CASE("MaskBench: every eighth schema") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: no ../shared");
        return;
    }
    Memory memory;
    const Vocabulary vocabulary(memory);
    Outcome outcome;
    std::ifstream file(*shared / "schemas" / "maskbench.jsonl");
    std::string line;
    for (std::size_t i = 0; std::getline(file, line); ++i) {
        if (i % 8 != 3) continue;
        const Json test = Json::parse(line);
        judge(test.at("name"), test.at("schema"), test.at("tests"), vocabulary, outcome);
    }
    CHECK(outcome.wrong == "");
    CHECK(outcome.n_tests >= 500);
    std::size_t n_refused = 0;
    for (const auto& [keyword, n] : outcome.refused) n_refused += static_cast<std::size_t>(n);
    CHECK(n_refused <= 3);
}

TEST_CASE("properties come in any order, once, and only as the schema has them") {
    constexpr const char* kSchema =
        R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
        "required": ["b"], "additionalProperties": {"type": "null"}})";
    CHECK(accepts(kSchema, R"({"a": 1, "b": "x"})"));
    CHECK(accepts(kSchema, R"({"z":null,"b":"x","a":-2})"));
    CHECK(accepts(kSchema, "{\n\t\"b\" : \"\"\n}"));
    CHECK_FALSE(accepts(kSchema, R"({"a": 1})"));
    CHECK_FALSE(accepts(kSchema, R"({"b": "x", "b": "y"})"));
    CHECK_FALSE(accepts(kSchema, R"({"\u0062": "x"})"));  // b by another name
    CHECK_FALSE(accepts(kSchema, R"({"b": "x", "z": 1})"));
    CHECK_FALSE(accepts(kSchema, R"({"b": "x",})"));
    CHECK_FALSE(accepts(kSchema, R"( {"b": "x"})"));
}

TEST_CASE("alternatives that overlap count once for oneOf") {
    constexpr const char* kSchema =
        R"({"oneOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b"]}]})";
    CHECK(accepts(kSchema, R"({"a": 1})"));
    CHECK(accepts(kSchema, R"({"c": 0, "b": 1})"));
    CHECK_FALSE(accepts(kSchema, R"({"a": 1, "b": 1})"));
    CHECK_FALSE(accepts(kSchema, R"({})"));
    constexpr const char* kNumbers =
        R"({"oneOf": [{"multipleOf": 3}, {"multipleOf": 5, "type": "number"}], "type": "integer"})";
    CHECK(accepts(kNumbers, "9"));
    CHECK(accepts(kNumbers, "10"));
    CHECK_FALSE(accepts(kNumbers, "15"));
    CHECK_FALSE(accepts(kNumbers, "7"));
}

TEST_CASE("recursion through references, and where it has no value in between") {
    constexpr const char* kTree = R"({"$ref": "#/$defs/t", "$defs": {"t": {"type": "object", "properties":
        {"v": {"type": "integer"}, "c": {"type": "array", "items": {"$ref": "#/$defs/t"}}},
        "additionalProperties": false}}})";
    CHECK(accepts(kTree, R"({"v": 1, "c": [{"c": []}, {"v": 2}]})"));
    CHECK_FALSE(accepts(kTree, R"({"c": [1]})"));
    CHECK(error(R"({"$ref": "#"})").find("'$ref'") != std::string::npos);
    CHECK(error(R"({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"})")
              .find("'$ref'") != std::string::npos);
    CHECK(error(R"({"anyOf": [{"type": "null"}, {"allOf": [{"$ref": "#"}]}]})").find("alternative of itself") !=
          std::string::npos);
    // Values without end: nothing satisfies it, which shows before a text begins.
    Memory memory;
    CHECK(Grammar::from_schema(R"({"type": "array", "minItems": 1, "items": {"$ref": "#"}})", memory).allows_nothing());
    CHECK(Grammar::from_schema("false", memory).allows_nothing());
    CHECK_FALSE(Grammar::from_schema("true", memory).allows_nothing());
}

TEST_CASE("formats are enforced, unless the draft calls them remarks") {
    struct Case {
        const char *format, *good, *bad;
    };
    for (const Case& c :
         {Case{"date", "2024-02-29", "2023-02-29"}, Case{"date", "1999-12-31", "1999-13-01"},
          Case{"time", "23:59:59Z", "24:00:00Z"}, Case{"date-time", "2020-01-01T00:00:00.5+01:00", "2020-01-01 00:00"},
          Case{"email", "a.b@example.org", "a@"}, Case{"ipv4", "192.168.0.255", "192.168.0.256"},
          Case{"ipv6", "fe80::1:2", "fe80::1::2"}, Case{"ipv6", "::ffff:1.2.3.4", "12345::"},
          Case{"uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"},
          Case{"uri", "https://example.org/a?b#c", "example.org/a"}, Case{"uri-reference", "../a", "\\"},
          Case{"hostname", "www.example.org", "-bad-"}, Case{"duration", "P3DT4H", "P"},
          Case{"json-pointer", "/a/~0b", "a"}, Case{"uri-template", "http://x/{id}{?q*}", "{"}}) {
        CAPTURE(c.format);
        const std::string schema = std::string(R"({"type": "string", "format": ")") + c.format + "\"}";
        CHECK(accepts(schema, Json(c.good).dump()));
        CHECK_FALSE(accepts(schema, Json(c.bad).dump()));
    }
    CHECK(accepts(R"({"$schema": "https://json-schema.org/draft/2020-12/schema", "format": "ipv4"})", "\"x\""));
    CHECK(accepts(R"({"format": "flag-topic"})", "\"x\""));
    CHECK(error(R"({"properties": {"a": {"format": "idn-email"}}})") ==
          "schema: #/properties/a: 'format': 'idn-email' is not supported");
}

TEST_CASE("what is wrong is named with its place") {
    CHECK(error("{").find("line 1, column 2") != std::string::npos);
    CHECK(error(R"({"properties": {"a/b": {"type": "strin"}}})") == "schema: #/properties/a~1b: 'type': not a type");
    CHECK(error(R"({"items": {"minLength": -1}})") ==
          "schema: #/items: 'minLength': not a whole number up to a billion");
    CHECK(error(R"({"anyOf": [true, {"pattern": "("}]})")
              .starts_with("schema: #/anyOf/1: 'pattern': regular expression: "));
    CHECK(error(R"({"unevaluatedProperties": false})") ==
          "schema: #: 'unevaluatedProperties': this keyword is not supported");
    CHECK(
        error(R"({"items": {"type": "array", "uniqueItems": true}})").starts_with("schema: #/items: 'uniqueItems': "));
    CHECK(error(R"({"$ref": "other.json"})") == "schema: #: '$ref': 'other.json' is not in the document");
    CHECK(error(R"({"properties": []})") == "schema: #: 'properties': not an object");
    CHECK(error(R"({"multipleOf": 0.123456789})") == "schema: #: 'multipleOf': too many digits");
}

TEST_CASE("nesting, size and numbers of alternatives have limits") {
    std::string deep;
    for (int i = 0; i < 1'000'000; ++i) deep += "[";
    CHECK(error(deep).starts_with("schema: nested deeper than 512"));
    CHECK(error(std::string(5'000'000, ' ')).starts_with("schema: 5000000 bytes"));
    std::string refs = R"({"$defs": {)";
    for (int i = 0; i < 1000; ++i) {
        refs += fmt::format(R"("d{}": {{"allOf": [{{"$ref": "#/$defs/d{}"}}]}}, )", i, i + 1);
    }
    CHECK(error(refs + R"("d1000": {}}, "$ref": "#/$defs/d0"})").find("too many schemas inside of one another") !=
          std::string::npos);
    std::string product = R"({"allOf": [)";
    for (int i = 0; i < 20; ++i) {
        product += fmt::format(R"({}{{"anyOf": [{{"required": ["a{}"]}}, {{"required": ["b{}"]}}]}})",
                               i == 0 ? "" : ", ", i, i);
    }
    CHECK(error(product + "]}").find("too many alternatives") != std::string::npos);
}
