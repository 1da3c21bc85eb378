// SPDX-License-Identifier: MIT
// What the grammar of a format's calls lets through, the parser of that format's replies reads back as calls of the
// given tools with arguments that their schemas allow: random walks over the automaton of every format that has calls.
#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "chat/reply.hpp"
#include "constrain/constrain_support.hpp"
#include "gguf/file.hpp"
#include "session/tool_grammar.hpp"
#include "support/fixtures.hpp"

namespace chat = linnet::chat;
using constrain_support::Matcher;
using constrain_support::Vocabulary;
using linnet::Memory;
using linnet::Status;

namespace {

using Json = nlohmann::ordered_json;

// Every kind of argument; strings of all sorts.
constexpr const char* kTools = R"([
    {"name": "weather", "parameters": {"type": "object", "properties": {
        "city": {"type": "string", "maxLength": 8}, "unit": {"enum": ["C", "F", "12", "true"]},
        "note": {"type": "string"}, "days": {"type": "integer", "minimum": -3, "maximum": 70},
        "metric": {"type": "boolean"}, "maybe": {"type": ["string", "null"], "maxLength": 6},
        "code": {"type": "string", "pattern": "^[a-z\\n<]{2,4}[0-9]$"}}, "required": ["city"],
        "additionalProperties": false}},
    {"name": "store", "parameters": {"$defs": {"word": {"type": "string", "maxLength": 3},
        "tree": {"type": "object", "properties": {"label": {"$ref": "#/$defs/word"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}, "maxItems": 1}},
            "required": ["label"], "additionalProperties": false}},
        "properties": {"tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 2},
            "tree": {"$ref": "#/$defs/tree"}, "word": {"$ref": "#/$defs/word"},
            "mixed": {"anyOf": [{"type": "string", "maxLength": 4}, {"type": "integer"}, {"type": "null"}]},
            "what": {"const": "a \"b\"\n<c>"}, "list": {"enum": [[1, "x"], {"k": "v"}, 2.5, false, "off"]},
            "size": {"type": "number"}},
        "additionalProperties": false}},
    {"name": "any", "parameters": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3},
        "maxProperties": 2}},
    {"name": "nothing"},
    {"name": "none", "parameters": {"type": "object", "properties": {}, "additionalProperties": false}}])";

// Texts that walks would hardly write by chance, the formats' own among them.
std::vector<std::string> pieces(const chat::ReplyFormat& format) {
    std::vector<std::string> texts = {"\n", "\"", "</", "<", "]]>", "<![CDATA[", "\\", "\xc3\xa9", "true", "null", " "};
    const auto add = [&](std::string_view text) {
        if (!text.empty()) texts.emplace_back(text);
    };
    for (const chat::Section& section : format.sections) {
        add(section.open);
        add(section.close);
    }
    if (format.form.notation == nullptr) return texts;
    const auto& notation = *format.form.notation;
    for (const auto text : {notation.before_key, notation.after_key, notation.after_value, notation.comma}) add(text);
    for (const auto& text : notation.texts) {
        add(text.open);
        add(text.close);
    }
    return texts;
}

// A text of the grammar; "" when the walk went on for too long.
std::string walk(Matcher& matcher, const Vocabulary& vocabulary, std::size_t n_pieces, std::mt19937& random) {
    matcher.reset();
    std::vector<std::uint64_t> mask(matcher.n_words());
    std::string text;
    for (int step = 0; step < 500; ++step) {
        if (matcher.is_complete() && random() % 2 == 0) return text;
        if (matcher.fill_mask(mask) != Status::ok) return "fill_mask failed";
        std::vector<linnet::Token> structure, bytes;
        for (std::size_t id = 0; id + 1 < vocabulary.size(); ++id) {
            const auto token = static_cast<linnet::Token>(id);
            if (constrain_support::has(mask, token)) (id < n_pieces ? structure : bytes).push_back(token);
        }
        if (structure.empty() && bytes.empty()) return text;
        const bool rare = bytes.empty() || (!structure.empty() && random() % 2 == 0);
        const auto& from = rare ? structure : bytes;
        const linnet::Token token = from[random() % from.size()];
        if (matcher.accept(token) != Status::ok) return "a token of the mask is refused";
        text += vocabulary.piece(token);
    }
    return "";
}

using Schemas = std::map<std::string, constrain_support::Grammar, std::less<>>;

Schemas schemas_of(const Json& tools, Memory& memory) {
    Schemas schemas;
    for (const Json& tool : tools) {
        const std::string schema = tool.value("parameters", Json{{"type", "object"}}).dump();
        schemas.emplace(tool["name"], constrain_support::Grammar::from_schema(schema, memory));
    }
    return schemas;
}

// What is wrong with the calls in the reply.
std::string error_of(const chat::ReplyFormat& format, const Json& tools, const Schemas& schemas,
                     const std::string& reply, std::size_t chunk) {
    Memory memory;
    chat::Reply parser(format, tools.dump(), memory);
    for (std::size_t i = 0; i < reply.size(); i += chunk) parser.feed(std::string_view(reply).substr(i, chunk));
    parser.finish();
    std::size_t n_calls = 0;
    for (auto event = parser.next(); event.kind != chat::ReplyKind::none; event = parser.next()) {
        if (event.kind != chat::ReplyKind::tool_call) return "no call: " + std::string(event.text);
        ++n_calls;
        const auto allowed = schemas.find(event.name);
        if (allowed == schemas.end()) return "no tool: " + std::string(event.name);
        if (!constrain_support::accepts(allowed->second, event.text)) {
            return "not of the schema: " + std::string(event.text);
        }
    }
    return n_calls == 0 ? "nothing" : "";
}

}  // namespace

TEST_CASE("tool grammars: random calls are read back as calls that the schemas allow") {
    if (!fixtures::shared()) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    Memory memory;
    const auto path = *fixtures::shared() / "tokenizers" / "gpt-2" / "vocab.gguf";  // without any control tokens
    const auto file = linnet::gguf::File::open(path.string(), true, memory);
    const linnet::Tokenizer tokenizer(file, memory, {});
    std::mt19937 random(1);
    const Json tools = Json::parse(kTools);
    const Schemas schemas = schemas_of(tools, memory);
    for (const chat::ReplyFormat& format : chat::reply_formats()) {
        if (format.form.middle.empty()) continue;
        const std::string name(format.name);
        INFO(name);
        const auto made = tool_grammar(tokenizer, format, tools.dump(), true, memory);
        const std::vector<std::string> texts = pieces(format);
        const Vocabulary vocabulary(memory, texts);
        Matcher matcher(made.grammar, vocabulary.trie(), memory);
        int n_done = 0;
        constexpr int kWalks = 60;
        for (int i = 0; i < kWalks; ++i) {
            const std::string text = walk(matcher, vocabulary, texts.size(), random);
            if (text.empty()) continue;
            ++n_done;
            const std::string reply = std::string(made.opening) + text;
            INFO(reply);
            CHECK(error_of(format, tools, schemas, reply, reply.size()) == "");
            CHECK(error_of(format, tools, schemas, reply, 1) == "");
        }
        CHECK(n_done > kWalks / 2);
    }
}
