// SPDX-License-Identifier: MIT
// Templates of published models and snippets of Jinja, rendered by jinja2 as transformers sets it up: every one has to
// give the same text, or fail where that fails (with the same words, when the template raises them itself).
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "chat/support.hpp"
#include "support/fixtures.hpp"

using chat_test::Outcome;
using Json = nlohmann::ordered_json;
namespace chat = linnet::chat;

namespace {

std::string read_text(const std::filesystem::path& path) {
    const auto bytes = fixtures::read(path);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class Each>
void for_each_line(const std::filesystem::path& path, Each each) {
    std::istringstream lines(read_text(path));
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty()) each(line, Json::parse(line));
    }
}

bool is_right(const Outcome& outcome, const Json& expected) {
    if (expected.contains("expected")) {
        return outcome.status == linnet::Status::ok && outcome.error.empty() && outcome.text == expected["expected"];
    }
    if (outcome.status == linnet::Status::ok || outcome.status == linnet::Status::internal) return false;
    return expected["error_kind"] != "raise_exception" || outcome.error == expected["error"];
}

void check_snippets(const std::filesystem::path& path, int n_expected) {
    int n = 0;
    for_each_line(path, [&](const std::string&, const Json& snippet) {
        const auto source = snippet["template"].get<std::string>();
        const Outcome outcome = chat_test::render(source, snippet["context"].dump());
        CHECK_MESSAGE(is_right(outcome, snippet), source << " gives " << outcome.text << outcome.error);
        ++n;
    });
    CHECK(n == n_expected);
}

void check_conversations(const std::filesystem::path& folder, int& n) {
    const Json meta = Json::parse(read_text(folder / "meta.json"));
    const auto bos = meta["bos_token"].get<std::string>(), eos = meta["eos_token"].get<std::string>();
    linnet::Memory memory;
    const auto parsed = chat::Template::parse(read_text(folder / "template.jinja"), memory);
    for_each_line(folder / "cases.jsonl", [&](const std::string& line, const Json& expected) {
        const Outcome outcome = chat_test::outcome([&](linnet::Memory& used) {
            chat::Arena arena(used, 1 << 28, 1 << 28);
            const chat::Value request = chat::parse_json(arena, line, "case");
            return std::string(render_conversation(parsed, request, {bos, eos}, {{}, chat_test::kNow}, arena));
        });
        CHECK_MESSAGE(is_right(outcome, expected), folder.filename().string()
                                                       << ": " << line << " gives " << outcome.text << outcome.error);
        ++n;
    });
}

}  // namespace

TEST_CASE("a local choice of the snippets") { check_snippets(fixtures::local() / "chat" / "snippets.jsonl", 113); }

TEST_CASE("a local template and its conversations") {
    int n = 0;
    check_conversations(fixtures::local() / "chat" / "chatml", n);
    CHECK(n == 12);
}

TEST_CASE("all snippets") {
    if (const auto shared = fixtures::shared()) {
        check_snippets(*shared / "templates" / "jinja-conformance" / "cases.jsonl", 663);
    } else {
        MESSAGE("skipped: ../shared is not there");
    }
}

TEST_CASE("all templates of models") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    int n_templates = 0, n_conversations = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*shared / "templates")) {
        if (!std::filesystem::exists(entry.path() / "template.jinja")) continue;
        check_conversations(entry.path(), n_conversations);
        ++n_templates;
    }
    CHECK(n_templates == 54);
    CHECK(n_conversations == 1964);
}
