// SPDX-License-Identifier: MIT
// Two shapes of one conversation give one text, with the models' templates. The expected one is what the template makes
// of the shape that it knows.
#include "chat/adapt.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "chat/support.hpp"
#include "support/fixtures.hpp"

namespace chat = linnet::chat;
using Json = nlohmann::ordered_json;

namespace {

std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string render(const std::string& source, const Json& messages, bool adapted) {
    const auto outcome = chat_test::outcome([&](linnet::Memory& memory) {
        chat::Arena arena(memory, 1 << 24, 1 << 24);
        chat::Request request = chat::parse_request(arena, Json{{"messages", messages}}.dump());
        const auto parsed = chat::Template::parse(source, memory);
        const chat::TokenTexts tokens = {"<s>", "</s>"};
        if (adapted) chat::adapt(parsed, tokens, request, arena);
        return std::string(render_conversation(parsed, request.conversation, tokens, {{}, chat_test::kNow}, arena));
    });
    return outcome.error.empty() ? outcome.text : "error: " + outcome.error;
}

Json call(const Json& arguments) {
    return Json::array({{{"role", "user"}, {"content", "Weather?"}},
                        {{"role", "assistant"},
                         {"content", ""},
                         {"tool_calls", Json::array({{{"id", "abcdefghi"},
                                                      {"type", "function"},
                                                      {"function", {{"name", "look"}, {"arguments", arguments}}}}})}}});
}

template <class Each>
int for_each_template(Each each) {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: ../shared is not there");
        return -1;
    }
    int n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*shared / "templates")) {
        if (!std::filesystem::exists(entry.path() / "template.jinja")) continue;
        INFO(entry.path().filename().string());
        n += each(read_text(entry.path() / "template.jinja")) ? 1 : 0;
    }
    return n;
}

}  // namespace

TEST_CASE("adapt: a list of texts says what the text says, in every template") {
    const Json list = Json::array({{{"type", "text"}, {"text", "One word."}}});
    const int n = for_each_template([&](const std::string& source) {
        const std::string expected = render(source, Json::array({{{"role", "user"}, {"content", "One word."}}}), false);
        if (expected.starts_with("error:")) return false;  // two insist on tools
        CHECK(expected.find("One word.") != std::string::npos);
        CHECK(render(source, Json::array({{{"role", "user"}, {"content", list}}}), true) == expected);
        return true;
    });
    CHECK((n == 52 || n == -1));
}

TEST_CASE("adapt: arguments as text or as an object are the same, in every template that shows calls") {
    const int n = for_each_template([&](const std::string& source) {
        const std::string object = render(source, call({{"where", "left"}}), true);
        const std::string text = render(source, call(R"({"where": "left"})"), true);
        if (object.starts_with("error:") || object.find("left") == std::string::npos) return false;
        CHECK(object.find("\\\"where") == std::string::npos);  // no JSON within JSON
        CHECK(object == text);
        return true;
    });
    CHECK_MESSAGE((n == 26 || n == -1), n);
}

TEST_CASE("adapt: what no template needs stays") {
    // Text that is no object; parts that are no text; a template that shows lists itself.
    CHECK(render("{{ messages[1].tool_calls[0].function.arguments }}", call("left"), true) == "left");
    CHECK(render("{{ messages[1].tool_calls[0].function.arguments is mapping }}", call({{"where", "left"}}), true) ==
          "True");  // shown neither way
    CHECK(render("{{ messages[0].content }}",
                 Json::array({{{"role", "user"}, {"content", Json::array({{{"type", "image"}}})}}}),
                 true) == "[{'type': 'image'}]");
    CHECK(render("{% for p in messages[0].content %}({{ p.text }}){% endfor %}",
                 Json::array({{{"role", "user"},
                               {"content",
                                Json::array({{{"type", "text"}, {"text", "a"}}, {{"type", "text"}, {"text", "b"}}})}}}),
                 true) == "(a)(b)");
    CHECK(render("{{ messages[0].content }}",
                 Json::array({{{"role", "user"},
                               {"content",
                                Json::array({{{"type", "text"}, {"text", "a"}}, {{"type", "text"}, {"text", "b"}}})}}}),
                 true) == "a\nb");
}
