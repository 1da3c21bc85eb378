// SPDX-License-Identifier: MIT
// Masks against trying every token, and the life of a matcher: rollback, forced text, limits, memory.
#include <doctest/doctest.h>

#include <thread>

#include "constrain_support.hpp"

using namespace constrain_support;

namespace {

struct Case {
    Grammar grammar;
    std::vector<std::string> texts;
};

constexpr const char* kPerson = R"({"type": "object", "properties": {
    "name": {"type": "string", "minLength": 2, "maxLength": 12},
    "age": {"type": "integer", "minimum": 0, "maximum": 130},
    "mail": {"type": "string", "pattern": "^[a-z]+@[a-z]+\\.org$"}, "tags": {"type": "array",
    "items": {"enum": ["a", "ab", "b"]}, "uniqueItems": true}, "note": {"type": ["string", "null"]}},
    "required": ["name", "age"],
    "patternProperties": {"^x-": {"type": "number"}}, "additionalProperties": false})";

constexpr const char* kTree =
    R"({"$ref": "#/$defs/t", "$defs": {"t": {"type": "object", "properties": {
    "left": {"$ref": "#/$defs/t"}, "right": {"$ref": "#/$defs/t"}, "value": true},
    "maxProperties": 2, "additionalProperties": {"type": "boolean"}}}})";

std::vector<Case> cases(Memory& memory) {
    std::vector<Case> all;
    all.push_back({Grammar::from_schema(kPerson, memory),
                   {R"({"name": "Ann", "age": 41, "tags": ["ab", "a"], "x-y": -1.5e3, "note": "caf\u00e9 \"x\""})",
                    "{\n  \"age\": 7,\n  \"name\": \"\xC3\x89ric\",\n  \"mail\": \"a@b.org\", \"note\": null\n}"}});
    all.push_back(
        {Grammar::from_schema(kTree, memory),
         {R"({"left": {"value": [1, {"a": "b"}, null]}, "right": {"left": {}, "key": true}})", R"({"value":"}"})"}});
    all.push_back({Grammar::from_schema("{}", memory), {R"([{"a": [1.25, "x\\y"]}, -0, "\ud83d\ude00"])"}});
    all.push_back({Grammar::from_schema(
                       R"({"type": "array", "contains": {"const": 5}, "maxContains": 2, "maxItems": 4})", memory),
                   {"[5, 1, 5, 50]", "[ 5 ]"}});
    all.push_back({Grammar::from_gbnf("root ::= t (\"+\" t)*\nt ::= [0-9]+ | \"(\" root \")\" | \"x\"{2,5}", memory),
                   {"1+(22+(3))+xxx",
                    "((x"
                    "x))"}});
    all.push_back({Grammar::from_gbnf("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"", memory), {"aaaabcbc"}});
    all.push_back({Grammar::from_regex("(ab|a(bc)*)+\\d{2,4}(?=5).", memory), {"ababcbc1235"}});
    // Long counted repetitions, whose states have most of their tokens in common.
    all.push_back({Grammar::from_schema(R"({"items": {"type": "string", "minLength": 24, "maxLength": 50}})", memory),
                   {"[\"" + std::string(24, 'a') + "\", \"" + std::string(44, 'a') + " caf\xC3\xA9\"]"}});
    all.push_back({Grammar::from_regex("(a{2}|b[ac]){20,30}c?|a{18}d", memory),
                   {std::string(36, 'a') + "bcbabc", std::string(18, 'a') + "d", std::string(60, 'a') + "c"}});
    const std::vector<std::string_view> choices = {"yes", "yes, but", "no", "nobody", "\xC3\xA9t\xC3\xA9"};
    all.push_back({Grammar::from_choices(choices, memory), {"yes, but", "nobody", "\xC3\xA9t\xC3\xA9"}});
    return all;
}

std::vector<std::string> pieces_for(const std::vector<Case>& all, unsigned seed) {
    std::vector<std::string> texts = {R"({"a": "b", "c": [1, 2]}, {"d": null}], "e": ["f", "g"]}, "h": {)",
                                      "                ",
                                      "\"]}]}\n\n  \"",
                                      "aaaaaaaaaaaaaaaaaaaaaa",
                                      "1234567890.5e+10",
                                      "\",\"name\":\"x\",\"age\":"};
    for (const Case& one : all) texts.insert(texts.end(), one.texts.begin(), one.texts.end());
    std::vector<std::string> pieces = cut(texts, 500, seed);
    for (const std::size_t size : {19U, 20U, 33U, 48U, 70U}) {  // about as long as what is counted
        const std::string run(size, 'a');
        pieces.insert(pieces.end(), {run, run + "\"", run + "\", \"", run + "c", run.substr(1) + "ba"});
    }
    return pieces;
}

}  // namespace

TEST_CASE("a mask has the tokens that can be accepted and no others") {
    Memory memory;
    const std::vector<Case> all = cases(memory);
    for (const unsigned seed : {1U, 2U, 3U}) {
        const Vocabulary vocabulary(memory, pieces_for(all, seed));
        for (std::size_t i = 0; i < all.size(); ++i) {
            CAPTURE(i);
            Matcher matcher(all[i].grammar, vocabulary.trie(), memory);
            for (const std::string& text : all[i].texts) {
                matcher.reset();
                for (std::string_view rest = text; !rest.empty();) {
                    CAPTURE(rest);
                    CHECK(mask_errors(matcher, vocabulary) == "");
                    const Token token = vocabulary.longest(rest);
                    REQUIRE(matcher.accept(token) == Status::ok);
                    rest.remove_prefix(vocabulary.piece(token).size());
                }
                CHECK(matcher.is_complete());
                CHECK(mask_errors(matcher, vocabulary) == "");
            }
        }
    }
}

TEST_CASE("masks at every byte: counted to the end, and crossings where stack or state alone differ") {
    Memory memory;
    std::vector<std::string> pieces = {"7]", "7]]", "7]]]", ".7]", "-7]", "7.7]]", "7,", "7]],", "e7]"};
    for (std::size_t size = 2; size <= 60; ++size) {
        const std::string run(size, 'a');
        pieces.insert(pieces.end(), {run, run + "\"", run + "b", run + "c"});  // too many for a list
        if (size % 4 == 0) pieces.push_back(run + "\"]");
    }
    const Vocabulary vocabulary(memory, pieces);
    const auto check = [&](const Grammar& grammar, std::string_view text) {
        Matcher matcher(grammar, vocabulary.trie(), memory);
        for (std::size_t n = 0; n < text.size(); ++n) {
            CAPTURE(text.substr(0, n));
            CHECK(mask_errors(matcher, vocabulary) == "");
            REQUIRE(matcher.accept_text(text.substr(n, 1)) == Status::ok);
        }
        CHECK(mask_errors(matcher, vocabulary) == "");
    };
    const std::string run(50, 'a');
    check(Grammar::from_schema(R"({"items": {"type": "string", "minLength": 24, "maxLength": 50}})", memory),
          "[\"" + run + "\", \"" + run.substr(20) + "\"]");
    check(Grammar::from_regex("(a{2}|b){20,25}b|a{30,}", memory), run.substr(10) + "b");
    check(Grammar::from_gbnf("root ::= \"[\" item (\",\" item)* \"]\"\nitem ::= \"-\"? [0-9]+ (\".\" [0-9]+)? | root",
                             memory),
          "[-7.7,[7,[[7.7],-7]],7]");
    check(Grammar::from_schema(R"({"$ref": "#/$defs/t", "$defs": {"t": {"type": "array", "items": {"anyOf": [
        {"type": "number"}, {"$ref": "#/$defs/t"}]}}}})",
                               memory),
          "[-7.7e7,[7,[[7.7],-7]],7]");
}

TEST_CASE("random texts never end in a dead end, and what they become is accepted") {
    Memory memory;
    const std::vector<Case> all = cases(memory);
    const Vocabulary vocabulary(memory, pieces_for(all, 7));
    std::vector<std::uint64_t> mask(vocabulary.trie().n_words());
    std::mt19937 random(11);
    for (std::size_t i = 0; i < all.size(); ++i) {
        CAPTURE(i);
        Matcher matcher(all[i].grammar, vocabulary.trie(), memory);
        for (int run = 0; run < 20; ++run) {
            matcher.reset();
            std::string text;
            while (!matcher.has_ended() && text.size() < 2000) {
                REQUIRE(matcher.fill_mask(mask) == Status::ok);
                std::vector<Token> allowed;
                for (std::size_t id = 0; id < vocabulary.size(); ++id) {
                    if (has(mask, static_cast<Token>(id))) allowed.push_back(static_cast<Token>(id));
                }
                CAPTURE(text);
                REQUIRE_FALSE(allowed.empty());
                const bool ends = has(mask, vocabulary.end()) && random() % 4 == 0;
                const Token token = ends ? vocabulary.end() : allowed[random() % allowed.size()];
                REQUIRE(matcher.accept(token) == Status::ok);
                text += vocabulary.piece(token);
            }
            if (matcher.has_ended()) CHECK(accepts(all[i].grammar, text));
        }
    }
}

TEST_CASE("rollback gives the same masks again") {
    Memory memory;
    const std::vector<Case> all = cases(memory);
    const Vocabulary vocabulary(memory, pieces_for(all, 5));
    Matcher matcher(all[0].grammar, vocabulary.trie(), memory);
    std::vector<std::vector<std::uint64_t>> masks;
    const std::string& text = all[0].texts[0];
    for (std::string_view rest = text; !rest.empty();) {
        masks.emplace_back(matcher.n_words());
        CHECK(matcher.fill_mask(masks.back()) == Status::ok);
        const Token token = vocabulary.longest(rest);
        REQUIRE(matcher.accept(token) == Status::ok);
        rest.remove_prefix(vocabulary.piece(token).size());
    }
    REQUIRE(matcher.accept(vocabulary.end()) == Status::ok);
    CHECK(matcher.has_ended());
    CHECK(matcher.accept(vocabulary.longest("a")) == Status::invalid_argument);
    std::vector<std::uint64_t> mask(matcher.n_words());
    for (std::size_t n = masks.size(); n-- > 0;) {
        REQUIRE(matcher.rollback(n) == Status::ok);
        CHECK(matcher.n_steps() == n);
        CHECK(matcher.fill_mask(mask) == Status::ok);
        CHECK(mask == masks[n]);
    }
}

TEST_CASE("forced text is what has no alternative") {
    Memory memory;
    const Vocabulary vocabulary(memory);
    const auto forced = [&](const Grammar& grammar, std::string_view before) {
        Matcher matcher(grammar, vocabulary.trie(), memory);
        REQUIRE(matcher.accept_text(before) == Status::ok);
        std::pmr::string text;
        CHECK(matcher.forced_text(text) == Status::ok);
        return std::string(text);
    };
    const std::vector<std::string_view> choices = {"positive", "possible"};
    const Grammar choice = Grammar::from_choices(choices, memory);
    CHECK(forced(choice, "") == "pos");
    CHECK(forced(choice, "posi") == "tive");
    constexpr const char* kSchema =
        R"({"type": "object", "properties": {"kind": {"const": "tree"}}, "required": ["kind"],
        "additionalProperties": false})";
    CHECK(forced(Grammar::from_schema(kSchema, memory, Spaces::none), "") == R"({"kind":"tree"})");
    CHECK(forced(Grammar::from_schema(kSchema, memory), R"({ "k)") == "ind\"");
    CHECK(forced(Grammar::from_regex("ab*", memory), "") == "a");
}

TEST_CASE("what was forgotten is made again") {
    Memory memory;
    const std::vector<Case> all = cases(memory);
    const Vocabulary vocabulary(memory, pieces_for(all, 9));
    Matcher roomy(all[1].grammar, vocabulary.trie(), memory);
    Matcher narrow(all[1].grammar, vocabulary.trie(), memory, {.max_bytes = 3'000'000});
    std::vector<std::uint64_t> mask(roomy.n_words()), narrow_mask(roomy.n_words());
    std::mt19937 random(3);
    std::string text = "{";
    for (int i = 0; i < 400; ++i)
        text += i % 3 == 0   ? R"("left": {)"
                : i % 3 == 1 ? R"("k": true, "right": {)"
                             : R"("value": {"q": 1}, "left": {)";
    for (std::string_view rest = text; !rest.empty();) {
        const Token token = vocabulary.longest(rest);
        REQUIRE(roomy.accept(token) == Status::ok);
        REQUIRE(narrow.accept(token) == Status::ok);
        rest.remove_prefix(vocabulary.piece(token).size());
        REQUIRE(roomy.fill_mask(mask) == Status::ok);
        REQUIRE(narrow.fill_mask(narrow_mask) == Status::ok);
        CHECK(mask == narrow_mask);
    }
    CHECK(narrow.rollback(1) == Status::invalid_argument);  // too long ago
    CHECK(narrow.rollback(narrow.n_steps() - 200) == Status::ok);
    CHECK(narrow.rollback(0) == Status::ok);
    CHECK(narrow.accept_text("{}") == Status::ok);
}

TEST_CASE("limits and a lack of memory are a status; nothing is lost and nothing leaks") {
    Memory memory;
    {
        const Vocabulary vocabulary(memory);
        const Grammar grammar = Grammar::from_schema(kPerson, memory);
        std::vector<std::uint64_t> mask(vocabulary.trie().n_words());
        Matcher few(grammar, vocabulary.trie(), memory, {.max_items = 4});
        CHECK(few.accept_text("{") == Status::unsupported);
        CHECK(few.n_steps() == 0);
        for (std::uint64_t room = 0, n_served = 0; n_served < 3; room += 4096) {
            Memory tight({}, room);
            try {
                Matcher matcher(grammar, vocabulary.trie(), tight);
                Status status = matcher.fill_mask(mask);
                if (status == Status::ok) status = matcher.accept_text(R"({"name": "Ann", "age": )");
                if (status == Status::ok) status = matcher.fill_mask(mask);
                if (status == Status::ok) ++n_served;
                if (status != Status::ok) CHECK(status == Status::out_of_memory);
            } catch (const Error& error) {
                CHECK(error.status() == Status::out_of_memory);
            }
            CHECK(tight.used() == 0);
        }
        CHECK(few.fill_mask(std::span(mask).first(1)) == Status::invalid_argument);
    }
    CHECK(memory.used() == 0);
}

TEST_CASE("one grammar and one trie serve many threads") {
    Memory memory;
    const std::vector<Case> all = cases(memory);
    const Vocabulary vocabulary(memory, pieces_for(all, 4));
    std::vector<std::thread> threads;
    std::vector<int> n_wrong(4);
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (const Case& one : all) {
                Matcher matcher(one.grammar, vocabulary.trie(), memory);
                for (const std::string& text : one.texts) n_wrong[t] += accepts(matcher, text) ? 0 : 1;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(n_wrong == std::vector<int>(4));
}
