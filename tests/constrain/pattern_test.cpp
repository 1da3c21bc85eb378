// SPDX-License-Identifier: MIT
// Regular expressions against std::regex (ECMAScript), over all short texts of a small alphabet.
#include <doctest/doctest.h>

#include <chrono>
#include <regex>

#include "constrain/pattern.hpp"
#include "constrain_support.hpp"

using namespace constrain_support;

namespace {

// All texts over `alphabet` of up to `size` characters.
std::vector<std::string> all_texts(std::string_view alphabet, std::size_t size) {
    std::vector<std::string> texts = {""};
    for (std::size_t first = 0, n = 0; n < size; ++n) {
        const std::size_t end = texts.size();
        for (; first < end; ++first) {
            for (const char c : alphabet) texts.push_back(texts[first] + c);
        }
    }
    return texts;
}

std::string quoted(const std::string& text) { return json_string(text); }

}  // namespace

TEST_CASE("whole texts match as std::regex_match says") {
    const std::vector<std::string> texts = all_texts("ab0.", 5);
    for (const char* pattern : {"",
                                "a",
                                "a*",
                                "(a|b)*0",
                                "a{2,3}b?",
                                "(a{2}){1,2}",
                                "[^a]+",
                                "[ab]{0,2}[^ab]",
                                "(a*b*)*",
                                "(a?){3}",
                                "a.b",
                                "a\\.b",
                                "\\d\\w*",
                                "\\D+",
                                "(?:ab|a)(?:b|0)",
                                "(?=.*0)a.*",
                                "(?!ab).*",
                                "a(?=b)b0|b",
                                "(?!a).|aa",
                                "(a|ab)(0|b0)*",
                                "^a+$",
                                "^(a|b$)",
                                "((a|b)(0|\\.)){2}",
                                "a{0}b",
                                "(ab|ba){2,}",
                                "[\\w.]{3}",
                                "[a-b0]+?\\.",
                                "(a+)+b",
                                "\\x61|\\u0062"}) {
        CAPTURE(pattern);
        Memory memory;
        Dfa dfa(&memory);
        const ExprId expr = whole_pattern(dfa.exprs(), pattern);
        const std::regex reference(pattern);
        std::string wrong;
        for (const std::string& text : texts) {
            if (dfa.matches(expr, text) != std::regex_match(text, reference)) wrong += text + " ";
        }
        CHECK(wrong == "");
    }
}

TEST_CASE("JSON strings hold what std::regex_search finds") {
    const std::vector<std::string> texts = all_texts("an\"\\\n", 4);
    for (const char* pattern :
         {"",        "n",    "a$",  "^a",         "^a$",    "^$",   "\\\\", "\"",           "a.n",         "^[^a]*$",
          "(^a|n$)", "^a|n", "\\s", "^(?!a).*n$", "a(?=n)", "n{2}", "^.$",  "^(a|n)+$|\\n", "(?=a)(?!an)", "^\\S+$",
          "a|^$",    "^n*a"}) {
        CAPTURE(pattern);
        Memory memory;
        Dfa dfa(&memory);
        const JsonTexts json(dfa);
        const ExprId expr = json_pattern(dfa.exprs(), json, pattern);
        const ExprId others = dfa.exprs().all_of(json.string_plain, dfa.exprs().negation(expr));
        const std::regex reference(pattern);
        std::string wrong;
        for (const std::string& text : texts) {
            const bool found = std::regex_search(text, reference);
            if (dfa.matches(expr, quoted(text)) != found) wrong += quoted(text) + " ";
            if (dfa.matches(others, quoted(text)) == found) wrong += "not " + quoted(text) + " ";
        }
        CHECK(wrong == "");
        CHECK_FALSE(dfa.matches(expr, "\"a\"\""));
        CHECK_FALSE(dfa.matches(expr, "a"));
    }
}

TEST_CASE("characters beyond ASCII are one character") {
    Memory memory;
    Dfa dfa(&memory);
    const ExprId two = whole_pattern(dfa.exprs(), "..");
    CHECK(dfa.matches(two, "\xC3\xA9\xF0\x9F\x98\x80"));
    CHECK_FALSE(dfa.matches(two, "\xC3\xA9"));
    CHECK_FALSE(dfa.matches(two, "\xC3\xC3"));                                  // no UTF-8
    CHECK_FALSE(dfa.matches(whole_pattern(dfa.exprs(), "."), "\xED\xA0\x80"));  // a surrogate
    const ExprId greek = whole_pattern(dfa.exprs(), "[\\u0391-\\u03A9]+");
    CHECK(dfa.matches(greek, "\xCE\x91\xCE\xA9"));
    CHECK_FALSE(dfa.matches(greek, "\xCE\xB1"));
    const ExprId capital = whole_pattern(dfa.exprs(), "\\p{Lu}\\p{Ll}*");
    CHECK(dfa.matches(capital, "\xC3\x89t\xC3\xA9"));
    CHECK_FALSE(dfa.matches(capital, "t\xC3\xA9"));
}

TEST_CASE("numbers are compared as numbers") {
    Memory memory;
    Dfa dfa(&memory);
    const JsonTexts json(dfa);
    for (const char* bound : {"0", "5", "-3", "12", "0.5", "-0.25", "10.05", "99", "-100", "1e2", "2.5e-1"}) {
        CAPTURE(bound);
        Decimal limit;
        REQUIRE(read_decimal(bound, limit));
        const double value = std::stod(bound);
        for (const char* text :
             {"0",     "-0",     "1",     "5",    "5.0",   "4.99",  "5.01", "-3",     "-3.0",  "-2.999", "-3.001",
              "12",    "11",     "13",    "120",  "0.5",   "0.50",  "0.49", "0.51",   "-0.25", "-0.3",   "-0.2",
              "10.05", "10.050", "10.1",  "10.0", "10.04", "99",    "98",   "100",    "1000",  "-100",   "-99",
              "-101",  "0.25",   "0.250", "0.2",  "0.26",  "99.99", "9.5",  "-100.5", "-99.5"}) {
            CAPTURE(text);
            const double number = std::stod(text);
            CHECK(dfa.matches(number_at_least(dfa.exprs(), limit, false), text) == (number >= value));
            CHECK(dfa.matches(number_at_least(dfa.exprs(), limit, true), text) == (number > value));
            CHECK(dfa.matches(number_at_most(dfa.exprs(), limit, false), text) == (number <= value));
            CHECK(dfa.matches(number_at_most(dfa.exprs(), limit, true), text) == (number < value));
            CHECK(dfa.matches(number_equal(dfa.exprs(), limit), text) == (number == value));
        }
    }
    for (unsigned divisor = 1; divisor < 30; ++divisor) {
        const ExprId multiple = number_multiple(dfa.exprs(), divisor, 0);
        const ExprId tenths = number_multiple(dfa.exprs(), divisor, 1);
        for (unsigned n = 0; n < 200; ++n) {
            CHECK(dfa.matches(multiple, std::to_string(n)) == (n % divisor == 0));
            CHECK(dfa.matches(multiple, "-" + std::to_string(n) + ".00") == (n % divisor == 0));
            const std::string with_point = std::to_string(n / 10) + "." + std::to_string(n % 10);
            CHECK(dfa.matches(tenths, with_point) == (n % divisor == 0));
        }
    }
}

TEST_CASE("what is no regular expression, or not a regular one, is refused with its offset") {
    const auto error = [](const std::string& pattern) {
        return error_of([&] {
            Memory memory;
            Exprs exprs(&memory);
            whole_pattern(exprs, pattern);
        });
    };
    CHECK(error("a)") == "regular expression: ')' without '(' at offset 1");
    CHECK(error("(a") == "regular expression: '(' without ')' at offset 2");
    CHECK(error("a**") == "");
    CHECK(error("*a") == "regular expression: nothing to repeat at offset 0");
    CHECK(error("[a") == "regular expression: it ends too early at offset 2");
    CHECK(error("[b-a]") == "regular expression: a range in the wrong order at offset 4");
    CHECK(error("a{3,2}") == "regular expression: bounds in the wrong order at offset 6");
    CHECK(error("(a)\\1") == "regular expression: back references are not supported at offset 4");
    CHECK(error("\\ba") == "regular expression: word boundaries are not supported at offset 0");
    CHECK(error("(?<=a)b") == "regular expression: look-behind is not supported at offset 1");
    CHECK(error("(?:(?=a).)*") == "regular expression: look-ahead in a repetition at offset 11");
    CHECK(error("a^b") == "regular expression: an anchor in the middle at offset 2");
    CHECK(error("a{1,2000000}") == "regular expression: a repetition is too long at offset 11");
    CHECK(error("\\p{Nope}") == "regular expression: this Unicode property is not supported at offset 3");
    CHECK(error("\xFF") == "regular expression: not UTF-8 at offset 0");
    CHECK(error(std::string(1'000'000, '(')) == "regular expression: groups are nested too deep at offset 201");
    CHECK(error(std::string(200'000, 'a')) == "");
    CHECK(error(std::string(1'000'000, 'a')) == "the constraint needs more than 500000 states");
}

TEST_CASE("expressions that explode elsewhere stay small") {
    Memory memory;
    Dfa dfa(&memory);
    // As a table of states each of these has thousands to millions of them.
    for (const char* pattern : {"(a|aa)*b", "((a{0,100}){0,100}){0,100}", "(a*)*b", "(.*b.{12})?", "(a?){500}a{500}"}) {
        CAPTURE(pattern);
        const ExprId expr = whole_pattern(dfa.exprs(), pattern);
        CHECK_FALSE(dfa.matches(expr, std::string(600, 'a') + "c"));
    }
    CHECK(dfa.matches(whole_pattern(dfa.exprs(), "(a?){500}a{500}"), std::string(700, 'a')));
}

TEST_CASE("what explodes here, too, ends in an error") {
    for (const char* pattern : {"(([a-z]{1,100}){1,100}){1,100}", "(.{0,1000}a){0,1000}"}) {
        CAPTURE(pattern);
        const std::string error = error_of([&] {
            Memory memory;
            Dfa dfa(&memory);
            dfa.matches(whole_pattern(dfa.exprs(), pattern), std::string(5000, 'a') + "-");
        });
        CHECK(error.starts_with("the constraint"));
    }
}
