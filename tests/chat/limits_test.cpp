// SPDX-License-Identifier: MIT
// Templates made to harm their host: each ends in an Error within 50 ms of CPU time (the compiler's optimisation and
// sanitizers aside), and within 64 KB of stack.
#include <doctest/doctest.h>
#include <pthread.h>

#include <ctime>
#include <string>
#include <vector>

#include "chat/support.hpp"
#include "support/sanitized.hpp"

using chat_test::Outcome;
using chat_test::render;
using linnet::Status;

namespace {

std::string repeated(std::string_view text, std::size_t n) {
    std::string result;
    for (std::size_t i = 0; i < n; ++i) result += text;
    return result;
}

std::string nested(std::string_view before, std::string_view middle, std::string_view after, std::size_t n) {
    return repeated(before, n).append(middle) + repeated(after, n);
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// In a thread with as little stack as fibers have.
template <class Run>
void on_small_stack(std::size_t size, Run run) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    REQUIRE(pthread_attr_setstacksize(&attributes, size) == 0);
    pthread_t thread;
    const auto start = [](void* argument) -> void* {
        (*static_cast<Run*>(argument))();
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, &attributes, start, &run) == 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
}

#if defined(__OPTIMIZE__)
constexpr bool kSlow = fixtures::kSanitized;
#else
constexpr bool kSlow = true;
#endif
// Three times what is promised: the machine may be busy, and tests are built with -O1.
constexpr double kSeconds = kSlow ? 5 : 0.15;
constexpr std::size_t kStack = kSlow ? 1 << 20 : 64 << 10;

}  // namespace

TEST_CASE("template bombs end in an error, soon and on a small stack") {
    constexpr std::size_t kMany = 100000;
    const std::vector<std::string> bombs = {
        // Nesting.
        nested("{{ (", "1", ")", kMany) + " }}",
        "{{ " + nested("(", "1", ")", kMany) + " }}",
        "{{ " + nested("[", "", "]", kMany) + " }}",
        "{{ " + nested("{1:", "1", "}", kMany) + " }}",
        "{{ " + nested("f(", "1", ")", kMany) + " }}",
        "{{ " + nested("a[", "1", "]", kMany) + " }}",
        "{{ " + nested("1|d(", "1", ")", 20000) + " }}",
        "{{ " + repeated("not ", kMany) + "1 }}",
        "{{ " + repeated("- ", kMany) + "1 }}",
        "{{ " + repeated("1 if 0 else ", 30000) + "1 }}",
        "{{ 1" + repeated(" if 1", 80000) + " }}",
        nested("{% if 1 %}", "", "{% endif %}", kMany),
        nested("{% if 1 %}", "", "{% endif %}", 20000),
        repeated("{% if 1 %}", 50000),
        nested("{% for x in [1] %}", "", "{% endfor %}", 15000),
        nested("{% macro a() %}", "", "{% endmacro %}", 15000),
        nested("{% set x %}", "", "{% endset %}", 20000),
        nested("{% call m() %}", "", "{% endcall %}", 15000),
        "{% for " + nested("(", "a", ")", kMany) + " in x %}{% endfor %}",
        // Recursion.
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(x) %}{{ m(x + 1) ~ m(x + 1) }}{% endmacro %}{{ m(0) }}",
        "{% macro m(x) %}{% if x > 0 %}{{ m(x - 1) }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(100) }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ 'a' | map(" + repeated("'map', ", 1000) + "'upper') | list }}",
        // Time.
        "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}{% for d in range(10000) %}"
        "{% for e in range(10000) %}x{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% set p = 'a' * 500000 ~ 'b' %}{% for i in range(100) %}{{ s.find(p) }}{% endfor "
        "%}",
        "{% set s = 'x' * 1000000 %}{% for i in range(100000) %}{{ s[-1] }}{{ s.upper() | length }}{% endfor %}",
        "{% set s = ' ' * 1000000 %}{% for i in range(100000) %}{{ s.strip() }}{% endfor %}",
        "{% set ns = namespace() %}{% for i in range(100000) %}{% set ns.d = range(100000) | list %}{% endfor %}",
        "{{ f(" + repeated("a=1, ", 50000) + ") }}",
        // Memory.
        "{% for x in range(10**12) %}{% endfor %}",
        "{{ 'x' * 10**9 }}",
        "{{ [1] * 10**9 }}",
        "{{ ('x' * 1000000).replace('', 'y' * 1000) }}",
        "{{ ('x' * 100000) | list | join('y' * 10000) }}",
        "{% set ns = namespace(l=[1]) %}{% for a in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l='ab') %}{% for a in range(100) %}{% set ns.l = ns.l ~ ns.l %}{% endfor %}",
        "{% set ns = namespace(l='aa') %}{% for a in range(100) %}{% set ns.l = ns.l.replace('a', ns.l) %}{% endfor %}",
        "{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}",
        "{% for i in range(100000) %}{% set x %}{{ 'x' * 1000 }}{% endset %}{% endfor %}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 'x' | center(1000000000) }}",
        "{{ [1] | batch(10**12, 1) | list }}",
        "{{ [[1]] | tojson(indent=1000000000) }}",
        "{{ 10**10**10 }}",
        // Values that are nested deeper than they can be walked.
        "{% set ns = namespace(l=[]) %}{% for a in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[]) %}{% for a in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson "
        "}}",
        "{% set ns = namespace(l=[], m=[]) %}{% for a in range(50000) %}{% set ns.l = [ns.l] %}{% set ns.m = [ns.m] %}"
        "{% endfor %}{{ ns.l == ns.m }}",
        "{% set ns = namespace(l=[], m=[]) %}{% for a in range(50000) %}{% set ns.l = [ns.l] %}{% set ns.m = [ns.m] %}"
        "{% endfor %}{{ ns.l < ns.m }}",
        "{% set ns = namespace(t=()) %}{% for a in range(90000) %}{% set ns.t = (ns.t,) %}{% endfor %}{{ {ns.t: 1} }}",
        "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
    };
    on_small_stack(kStack, [&] {
        for (const std::string& bomb : bombs) {
            const double begin = cpu_seconds();
            const Outcome outcome = render(bomb);
            const double seconds = cpu_seconds() - begin;
            CAPTURE(bomb.substr(0, 200));
            CAPTURE(outcome.error);
            CHECK(outcome.status != Status::ok);
            CHECK(outcome.status != Status::internal);
            CHECK_MESSAGE(seconds < kSeconds, seconds);
        }
    });
}

TEST_CASE("long chains are no nesting") {
    constexpr std::size_t kMany = 20000;
    CHECK(render("{{ 0" + repeated(" + 1", kMany) + " }}").text == "20000");
    CHECK(render("{{ 0" + repeated(" or 0", kMany) + " or 7 }}").text == "7");
    CHECK(render("{{ 'a'" + repeated(" ~ 'b'", kMany) + " }}").text == "a" + repeated("b", kMany));
    CHECK(render("{{ 0" + repeated(" < 1 > 0", kMany) + " }}").text == "True");
    CHECK(render("{{ 'a'" + repeated("|upper|lower", kMany) + " }}").text == "a");
    CHECK(render("{% if 0 %}" + repeated("{% elif 0 %}", kMany) + "{% else %}x{% endif %}").text == "x");
}

TEST_CASE("nesting of up to 40 blocks and brackets works") {
    CHECK(render("{{ " + nested("(", "1", ")", 20) + " }}").text == "1");
    CHECK(render(nested("{% for x in [1] %}", "y", "{% endfor %}", 40)).text == "y");
    std::string json = nested("[", "1", "]", 60);
    CHECK(render("{{ v | tojson }}", "{\"v\": " + json + "}").text == json);
    CHECK(render("{{ v }}", "{\"v\": " + nested("[", "1", "]", 1000) + "}").status == Status::unsupported);
}

TEST_CASE("every limit is one that the caller sets") {
    const std::string loop = "{% for i in range(1000) %}{{ i }}{% endfor %}";
    CHECK(render(loop).status == Status::ok);
    CHECK(render(loop, "{}", {.steps = 1000}).status == Status::unsupported);
    CHECK(render(loop, "{}", {.output_bytes = 1000}).status == Status::unsupported);
    // Instructions count, also where they give nothing.
    const std::string silent = "{% for i in range(1000) %}{% if i == 3 %}{% elif i == 4 %}{% endif %}{% endfor %}";
    CHECK(render(silent).status == Status::ok);
    CHECK(render(silent, "{}", {.steps = 5000}).status == Status::unsupported);
    CHECK(render("{{ 'x' * 10000 }}", "{}", {.value_bytes = 5000}).status == Status::unsupported);
    const std::string recursive = "{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(50) }}";
    CHECK(render(recursive).status == Status::ok);
    CHECK(render(recursive, "{}", {.depth = 40}).status == Status::unsupported);
}

TEST_CASE("nothing of the host can be reached") {
    for (const char* source : {
             "{{ ''.__class__.__mro__ }}",
             "{{ ().__class__.__bases__[0].__subclasses__() }}",
             "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
             "{{ self.__init__.__globals__ }}",
             "{{ '{0.__class__.__init__.__globals__}'.format(x) }}",
             "{{ lipsum.__globals__['os'] }}",
             "{{ open('/etc/passwd').read() }}",
             "{% include '/etc/passwd' %}",
             "{% import 'os' as os %}{{ os }}",
             "{{ x.append(1) }}",
             "{{ d.update({'a': 1}) }}",
         }) {
        CAPTURE(source);
        CHECK(render(source, R"({"x": [1], "d": {}})").status == Status::invalid_argument);
    }
}
