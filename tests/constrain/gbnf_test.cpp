// SPDX-License-Identifier: MIT
// GBNF: what its documentation describes, recursion, and what is refused.
#include <doctest/doctest.h>

#include "constrain_support.hpp"
#include "support/sanitized.hpp"

using namespace constrain_support;

namespace {

bool accepts(std::string_view grammar, std::string_view text) {
    Memory memory;
    return constrain_support::accepts(Grammar::from_gbnf(grammar, memory), text);
}

std::string error(std::string_view grammar) {
    return error_of([&] {
        Memory memory;
        Grammar::from_gbnf(grammar, memory);
    });
}

constexpr const char* kJson = R"(# JSON
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
)";

}  // namespace

TEST_CASE("a grammar of JSON") {
    CHECK(accepts(kJson, R"({"a": 1, "b": [true, {"c": "\u00e9\n"}, -1.5e3], "d": {}})"));
    CHECK(accepts(kJson, "{\n  \"a\": []\n}\n"));
    CHECK_FALSE(accepts(kJson, R"({"a": 1,})"));
    CHECK_FALSE(accepts(kJson, R"({"a" 1})"));
    CHECK_FALSE(accepts(kJson, R"([1])"));
    CHECK_FALSE(accepts(kJson, R"({"a": 01})"));
    CHECK_FALSE(accepts(kJson, R"({"a": 1)"));
}

TEST_CASE("literals, classes and escapes") {
    CHECK(accepts(R"(root ::= "a\"\\\x41\u00e9\U0001F600\n")", "a\"\\A\xC3\xA9\xF0\x9F\x98\x80\n"));
    CHECK(accepts("root ::= [a-c\\]\\-x]+", "b]-x"));
    CHECK(accepts("root ::= [-a]+ [a-]", "-a-"));
    CHECK_FALSE(accepts("root ::= [^a-c]", "b"));
    CHECK(accepts("root ::= [^a-c]", "\xE2\x82\xAC"));
    CHECK(accepts("root ::= . .", "x\xE2\x82\xAC"));
    CHECK_FALSE(accepts("root ::= . .", "\xE2\x82\xAC"));
    CHECK(accepts("root ::= \"\"", ""));
}

TEST_CASE("repetitions") {
    for (const int n : {0, 1, 2, 3, 4, 5}) {
        CAPTURE(n);
        const std::string text(static_cast<std::size_t>(n), 'a');
        CHECK(accepts("root ::= \"a\"*", text));
        CHECK(accepts("root ::= \"a\"+", text) == (n >= 1));
        CHECK(accepts("root ::= \"a\"?", text) == (n <= 1));
        CHECK(accepts("root ::= \"a\"{3}", text) == (n == 3));
        CHECK(accepts("root ::= \"a\"{2,}", text) == (n >= 2));
        CHECK(accepts("root ::= \"a\"{2,4}", text) == (n >= 2 && n <= 4));
        CHECK(accepts("root ::= \"a\"{0,3}", text) == (n <= 3));
        // The same of something that nests, which is no lexeme.
        const std::string rule = "\nx ::= \"a\" | \"(\" x \")\"";
        CHECK(accepts("root ::= x*" + rule, text));
        CHECK(accepts("root ::= x+" + rule, text) == (n >= 1));
        CHECK(accepts("root ::= x{2,4}" + rule, text) == (n >= 2 && n <= 4));
        CHECK(accepts("root ::= x{2,}" + rule, text) == (n >= 2));
    }
}

TEST_CASE("rules that nest, repeat and match nothing at all") {
    constexpr const char* kSum = "root ::= t ((\"+\" | \"-\") t)*\nt ::= [0-9]+ | \"(\" root \")\"";
    CHECK(accepts(kSum, "1+(2-(3))+45"));
    CHECK_FALSE(accepts(kSum, "1+(2"));
    constexpr const char* kPairs = "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"";  // ambiguous in its stacks
    CHECK(accepts(kPairs, std::string(200, 'a') + std::string(100, 'b') + std::string(100, 'c')));
    CHECK_FALSE(accepts(kPairs, std::string(200, 'a') + std::string(199, 'b')));
    CHECK(accepts("root ::= (x*)*\nx ::= \"a\" y?\ny ::= \"(\" x \")\" | \"\"", "aa(a(a))"));
    CHECK(accepts("root ::= ((((x)*)+)?)*\nx ::= y y\ny ::= \"\" | \"(\" y \")\"", "()(())"));
    CHECK(accepts("root ::= list\nlist ::= [a-z] list | [a-z] \".\"", "abc."));  // repeats at its end
    CHECK(accepts("root ::= a | b\na ::= \"x\" a\nb ::= \"y\"", "y"));           // rule a has no end
    CHECK_FALSE(accepts("root ::= a | b\na ::= \"x\" a\nb ::= \"y\"", "x"));
}

TEST_CASE("depth is bounded by a limit, not by the machine's stack") {
    Memory memory;
    const Vocabulary vocabulary(memory);
    const Grammar grammar = Grammar::from_gbnf("root ::= \"(\" root \")\" | \"\"", memory);
    Matcher matcher(grammar, vocabulary.trie(), memory, {.max_depth = 5000});
    CHECK(matcher.accept_text(std::string(5000, '(')) == Status::ok);
    CHECK(matcher.accept_text("(") == Status::unsupported);
    CHECK(matcher.error_text() == std::string("constraint: the text is nested deeper than 5000"));
    CHECK(matcher.accept_text(std::string(5000, ')')) == Status::ok);
    CHECK(matcher.is_complete());
}

TEST_CASE("what is refused, and where") {
    CHECK(error("root ::= \"a") == "grammar: line 1, column 12: a quote or bracket is not closed");
    CHECK(error("root ::= (\"a\"\n\"b\"\n") == "grammar: line 3, column 1: ')' expected");
    CHECK(error("root := \"a\"") == "grammar: line 1, column 6: '::=' expected");
    CHECK(error("root ::= x\n") == "grammar: rule 'x', named in line 1, is not defined");
    CHECK(error("top ::= \"x\"\n") == "grammar: there is no rule 'root'");
    CHECK(error("root ::= \"x\"\nroot ::= \"y\"") == "grammar: line 2, column 10: this rule was defined before");
    CHECK(error("root ::= [b-a]") == "grammar: line 1, column 14: a range in the wrong order");
    CHECK(error("root ::= \"\\q\"") == "grammar: line 1, column 13: unknown escape");
    CHECK(error("root ::= <think> \"x\"") == "grammar: line 1, column 10: tokens in a grammar are not supported");
    CHECK(error("root ::= \"a\" root") == "grammar: no finite text matches the rule 'root'");
    CHECK(error("root ::= root \"a\" | \"a\"") == "grammar: rule 'root' begins with itself (left recursion)");
    CHECK(error("root ::= \"x\"? a\na ::= b | \"y\"\nb ::= c? root \"z\" | a\nc ::= \"c\"") ==
          "grammar: rule 'a' begins with itself (left recursion)");
    CHECK(error("root ::= " + std::string(1'000'000, '(')).find("parentheses are nested too deep") !=
          std::string::npos);
    if (!fixtures::kSanitized) {  // a million places take them long
        CHECK(error("root ::= x{1000000}\nx ::= \"a\" | \"(\" x \")\"").find("more than 1000000 places") !=
              std::string::npos);
    }
    std::string many = "root ::= \"x\"\n";
    for (int i = 0; i < 30'000; ++i) many += "r" + std::to_string(i) + " ::= \"x\"\n";
    CHECK(error(many) == "grammar: more than 20000 rules");
}
