// SPDX-License-Identifier: MIT
// What templates fail with: line and column of the place, and words that say what is wrong.
#include <doctest/doctest.h>

#include <string>

#include "chat/strftime.hpp"
#include "chat/support.hpp"

using chat_test::Outcome;
using chat_test::render;
using linnet::Status;

namespace {

struct Case {
    const char* source;
    const char* place;
    const char* words;
};

void check(const Case& expected, Status status) {
    const Outcome outcome = render(expected.source, R"({"n": 1, "s": "text", "d": {"k": null}, "l": [1]})");
    CAPTURE(expected.source);
    CAPTURE(outcome.error);
    CHECK(outcome.status == status);
    CHECK(outcome.error.find("chat template, " + std::string(expected.place) + ": ") == 0);
    CHECK(outcome.error.find(expected.words) != std::string::npos);
}

}  // namespace

TEST_CASE("what is no template names line and column") {
    for (const Case& entry : {
             Case{"a\nb {{ 1 + }}", "line 2, column 10", "expected an expression, got end of print statement"},
             Case{"{% if n %}\n  {% for x in l %}\n{% endif %}", "line 3, column 4", "unknown tag 'endif'"},
             Case{"\n{% if n %}x", "line 2, column 1", "'elif' or 'else' or 'endif'"},
             Case{"{{ s | nosuch }}", "line 1, column 8", "No filter named 'nosuch'."},
             Case{"\xC3\xA9\xC3\xA9 {{ n is nosuch }}", "line 1, column 9", "No test named 'nosuch'."},
             Case{"{{ 'open }}", "line 1, column 4", "unexpected char '"},
             Case{"\r\n\r\n{{ (1 }}", "line 3, column 7", "unexpected '}', expected ')'"},
             Case{"{# never closed", "line 1, column 1", "Missing end of comment tag"},
             Case{"{% raw %}x", "line 1, column 1", "Missing end of raw directive"},
             Case{"{% do x %}", "line 1, column 4", "Encountered unknown tag 'do'."},
             Case{"x{% break %}", "line 1, column 5", "'break' outside of a loop"},
             Case{"{% set none = 1 %}", "line 1, column 8", "can't assign to 'none'"},
             Case{"{% macro f(a=1, b) %}{% endmacro %}", "line 1, column 18", "non-default argument"},
             Case{"{% call s %}{% endcall %}", "line 1, column 11", "expected call"},
             Case{"{% call() (s or f()) %}{% endcall %}", "line 1, column 22", "expected call"},
             Case{"{{ f(a=1, a=2) }}", "line 1, column 12", "keyword argument repeated"},
         }) {
        check(entry, Status::bad_file);
    }
}

TEST_CASE("what fails while it runs names line and column") {
    for (const Case& entry : {
             Case{"a\n{{ s + n }}", "line 2, column 6", "can only concatenate str (not \"int\") to str"},
             Case{"{% for x in l %}\n  {{ d.k.x.y }}{% endfor %}", "line 2, column 11", "'None' has no attribute 'x'"},
             Case{"{% macro m(v) %}{{ v.a.b }}{% endmacro %}\n{{ m(d) }}", "line 1, column 23", "has no attribute 'a'"},
             Case{"{{ nothing.x }}", "line 1, column 11", "'nothing' is undefined"},
             Case{"{{ l[3].x }}", "line 1, column 8", "list object has no element 3"},
             Case{"{% for a, b in [[1]] %}{% endfor %}", "line 1, column 8", "not enough values to unpack"},
             Case{"{{ 1 / 0 }}", "line 1, column 6", "division by zero"},
             Case{"{{ s.nosuch() }}", "line 1, column 12", "has no attribute 'nosuch'"},
             Case{"{{ l.append(2) }}", "line 1, column 12", "access to attribute 'append' of 'list' object is unsafe."},
             Case{"{{ s | replace('a') }}", "line 1, column 8", "missing required argument 'new'"},
             Case{"{{ s | trim(x=1) }}", "line 1, column 8", "unexpected keyword argument 'x'"},
             Case{"{{ n() }}", "line 1, column 5", "'int' object is not callable"},
             Case{"{% if n %}{{ s | nosuch }}{% endif %}", "line 1, column 18", "No filter named 'nosuch'."},
         }) {
        check(entry, Status::invalid_argument);
    }
    CHECK(render("{% if false %}{{ 1 | nosuch }}{% endif %}ok").text == "ok");
}

TEST_CASE("what a template raises stands alone") {
    const Outcome outcome = render("\n{{ raise_exception('Only ' ~ 'this') }}");
    CHECK(outcome.error == "Only this");
    CHECK(outcome.status == Status::invalid_argument);
}

TEST_CASE("bad JSON names line and column") {
    const Outcome outcome = render("", "{\n \"a\": [1,\n  x]}");
    CHECK(outcome.status == Status::invalid_argument);
    CHECK(outcome.error.find("context: line 3, column 3: not JSON") == 0);
}

TEST_CASE("bad conversations name the field") {
    linnet::Memory memory;
    const auto parsed = linnet::chat::Template::parse("{{ messages[0].content }}", memory);
    const auto fails = [&](const char* json) {
        return chat_test::outcome([&](linnet::Memory& used) {
            linnet::chat::Arena arena(used, 1 << 20, 1 << 20);
            return std::string(
                render_conversation(parsed, linnet::chat::parse_json(arena, json, "request"), {}, {}, arena));
        });
    };
    CHECK(fails(R"({"messages": [{"content": "a "}]})").text == "a ");
    CHECK(fails(R"({"messages": [{"content": "a "}], "continue_final_message": true})").text == "a ");
    const char* const kTwice = R"({"messages": [{"content": "a"}, {"content": "a"}], "continue_final_message": true})";
    const auto all = linnet::chat::Template::parse("{% for m in messages %}[{{ m.content }}]{% endfor %}", memory);
    linnet::chat::Arena arena(memory, 1 << 20, 1 << 20);
    CHECK(render_conversation(all, linnet::chat::parse_json(arena, kTwice, "request"), {}, {}, arena) == "[a][a");
    CHECK(fails("[]").error == "the conversation must be a dict, not a list");
    CHECK(fails("{}").error == "messages must be a list, not a NoneType");
    CHECK(fails(R"({"messages": [1]})").error == "a message must be a dict, not a int");
    CHECK(fails(R"({"messages": [], "tools": {}})").error == "tools must be a list, not a dict");
    CHECK(fails(R"({"messages": [], "add_generation_prompt": 1})").error ==
          "add_generation_prompt must be a bool, not a int");
    CHECK(fails(R"({"messages": [{}], "continue_final_message": true})").status == Status::invalid_argument);
}

TEST_CASE("times are read and shown as Python shows them") {
    const auto show = [](const char* time, const char* format) {
        linnet::Memory memory;
        linnet::chat::Arena arena(memory, 1 << 20, 1 << 20);
        return std::string(linnet::chat::format_moment(arena, linnet::chat::parse_moment(time), format).view_text());
    };
    // From datetime.strftime.
    CHECK(show("2024-12-30T00:05:09", "%a %A %b %B %d %e %j %H %I %p %M %S %y %Y") ==
          "Mon Monday Dec December 30 30 365 00 12 AM 05 09 24 2024");
    CHECK(show("2024-12-30T00:05:09", "%G-W%V-%u %U %W %w %x %X %D %F %T %R %-d %-m") ==
          "2025-W01-1 52 53 1 12/30/24 00:05:09 12/30/24 2024-12-30 00:05:09 00:05 30 12");
    CHECK(show("2021-01-03", "%G-W%V-%u %U %W %w %c %C %% %-d") ==
          "2020-W53-7 01 00 0 Sun Jan  3 00:00:00 2021 20 % 3");
    constexpr const char* kWeek = "%a %j %G-W%V-%u %U %W %w %I %p";
    CHECK(show("2000-02-29T23:59:59Z", kWeek) == "Tue 060 2000-W09-2 09 09 2 11 PM");
    CHECK(show("2024-02-29", kWeek) == "Thu 060 2024-W09-4 08 09 4 12 AM");
    CHECK(show("2100-03-01", kWeek) == "Mon 060 2100-W09-1 09 09 1 12 AM");
    CHECK(show("2000-12-31", kWeek) == "Sun 366 2000-W52-7 53 52 0 12 AM");
    CHECK(show("2020-12-31", kWeek) == "Thu 366 2020-W53-4 52 52 4 12 AM");
    CHECK(show("2024-12-31T12:00:00+01:00", kWeek) == "Tue 366 2025-W01-2 52 53 2 12 PM");
    for (const char* bad : {"", "2025", "2025-13-01", "2025-02-29", "2100-02-29", "2025-04-31", "2025-01-01T24:00:00",
                            "2025-01-01T00:60:00", "2025-01-01x", "2025-01-01T00:00:00x", "0000-01-01"}) {
        CHECK_THROWS_AS(linnet::chat::parse_moment(bad), linnet::Error);
    }
}
