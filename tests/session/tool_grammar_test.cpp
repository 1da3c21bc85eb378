// SPDX-License-Identifier: MIT
// Grammars of tool calls: what they take is what the reply parser reads as those calls, in the forms that the models'
// templates show; what is no call of the tools they refuse.
#include "session/tool_grammar.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "chat/reply.hpp"
#include "constrain/constrain_support.hpp"
#include "gguf/file.hpp"
#include "support/fixtures.hpp"

namespace chat = linnet::chat;
using linnet::Error;
using linnet::Memory;
using linnet::Status;

namespace {

constexpr const char* kTools = R"([
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {
        "city": {"type": "string", "maxLength": 8}, "unit": {"enum": ["C", "F"]}}, "required": ["city"],
        "additionalProperties": false}}},
    {"type": "function", "function": {"name": "add", "parameters": {"$defs": {"n": {"type": "integer"}},
        "properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["a"], "additionalProperties": false}}}])";
constexpr const char* kOne = R"([{"name": "add", "parameters": {"type": "object", "properties": {
        "a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false}}])";

struct Made {
    std::string opening, error;
    std::vector<bool> accepted;
};

// For the vocabulary `folder` of the fixtures; texts are judged behind the opening.
Made make(const char* folder, const char* format, const char* tools, bool many, const std::vector<std::string>& texts) {
    Memory memory;
    Made made;
    {
        const auto path = *fixtures::shared() / "tokenizers" / folder / "vocab.gguf";
        const auto file = linnet::gguf::File::open(path.string(), true, memory);
        const linnet::Tokenizer tokenizer(file, memory, {});
        try {
            const auto grammar = tool_grammar(tokenizer, *chat::find_reply_format(format), tools, many, memory);
            made.opening = grammar.opening;
            for (const std::string& text : texts) {
                made.accepted.push_back(constrain_support::accepts(grammar.grammar, text));
            }
        } catch (const Error& error) {
            made.error = error.what();
        }
    }
    CHECK(memory.used() == 0);
    return made;
}

// "name{arguments}" of each call.
std::string read(const char* format, const std::string& reply) {
    Memory memory;
    chat::Reply parser(*chat::find_reply_format(format), "", memory);
    parser.feed(reply);
    parser.finish();
    std::string calls;
    for (auto event = parser.next(); event.kind != chat::ReplyKind::none; event = parser.next()) {
        calls += event.kind == chat::ReplyKind::tool_call ? std::string(event.name) + std::string(event.text) : "?";
    }
    return calls;
}

}  // namespace

TEST_CASE("tool grammars: each format's calls are taken, and read as such") {
    if (!fixtures::shared()) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    struct Case {
        const char *vocabulary, *format, *tools, *opening;
        std::string good, bad;  // behind the opening
    };
    const std::string args = R"({"a": 12})", wrong = R"({"a": "x"})";
    const auto object = [](const char* key, const std::string& value) {
        return R"({"name": "add", ")" + std::string(key) + "\": " + value + "}";
    };
    const Case kCases[] = {
        {"qwen3", "hermes", kTools, "", "<tool_call>\n" + object("arguments", args) + "\n</tool_call>",
         "<tool_call>\n" + object("arguments", wrong) + "\n</tool_call>"},
        {"llama3.2", "llama-3", kTools, "", object("parameters", args), object("arguments", args)},
        {"mistral-nemo", "mistral", kTools, "[TOOL_CALLS]", "[" + object("arguments", args) + "]",
         object("arguments", args)},
        {"mistral-v3", "mistral", kTools, "[TOOL_CALLS]", "[" + object("arguments", args) + "]", "[]"},
        {"phi-4-mini", "phi-4-mini", kTools, "<|tool_call|>", "[" + object("arguments", args) + "]",
         "[" + object("arguments", wrong) + "]"},
        {"qwen3", "mistral-args", kTools, "", "[TOOL_CALLS]add[ARGS]" + args, "[TOOL_CALLS]sub[ARGS]" + args},
        {"qwen3", "nemotron", kTools, "", "<TOOLCALL>[" + object("arguments", args) + "]</TOOLCALL>",
         "<TOOLCALL>[]</TOOLCALL>"},
        {"qwen3", "apertus", kTools, "", R"(<|tools_prefix|>[{"add": )" + args + "}]<|tools_suffix|>", args},
        {"deepseek-v3", "deepseek", kOne, nullptr, args, wrong},
        {"deepseek-v3", "deepseek-v3", kTools, nullptr, "add\n```json\n" + args + "\n```", "sub\n```json\n" + args},
        {"qwen3", "lfm2", kTools, "", "<|tool_call_start|>[add(a=12)]<|tool_call_end|>",
         "<|tool_call_start|>[add(a='x')]<|tool_call_end|>"},
        {"qwen3", "gemma-4", kTools, "", "<|tool_call>call:add{a:12}<tool_call|>",
         "<|tool_call>call:add{a:<|\"|>x<|\"|>}<tool_call|>"},
        {"qwen3", "function-gemma", kTools, "", "<start_function_call>call:add{a:12}<end_function_call>",
         "<start_function_call>call:add{a:<escape>x<escape>}<end_function_call>"},
        {"qwen3", "qwen3-coder", kTools, "",
         "<tool_call>\n<function=add>\n<parameter=a>\n12\n</parameter>\n</function>\n</tool_call>",
         "<tool_call>\n<function=add>\n<parameter=a>\nx\n</parameter>\n</function>\n</tool_call>"},
        {"qwen3", "seed-oss", kTools, "",
         "<seed:tool_call>\n<function=add>\n<parameter=a>12</parameter>\n</function>\n</seed:tool_call>",
         "<seed:tool_call>\n<function=add>\n<parameter=a>x</parameter>\n</function>\n</seed:tool_call>"},
        {"qwen3", "glm-4", kTools, "", "<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>12</arg_value>\n</tool_call>",
         "<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>x</arg_value>\n</tool_call>"},
        {"qwen3", "minicpm", kTools, "", "<function name=\"add\"><param name=\"a\">12</param></function>",
         "<function name=\"add\"><param name=\"a\">x</param></function>"},
        {"qwen3", "gpt-oss", kOne, "", "<|channel|>commentary to=functions.add <|constrain|>json<|message|>" + args,
         args},
    };
    for (const Case& c : kCases) {
        INFO(std::string(c.format), " ", std::string(c.vocabulary));
        const Made made = make(c.vocabulary, c.format, c.tools, false, {c.good, c.bad, ""});
        CHECK(made.error == "");
        REQUIRE(made.accepted.size() == 3);
        CHECK(made.accepted[0]);
        CHECK(!made.accepted[1]);
        CHECK(!made.accepted[2]);
        if (c.opening != nullptr) CHECK(made.opening == c.opening);
        CHECK(read(c.format, made.opening + c.good) == "add" + args);
    }
}

TEST_CASE("tool grammars: the schema of each tool, and several calls") {
    if (!fixtures::shared()) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    const auto call = [](const std::string& name, const std::string& arguments) {
        return "<tool_call>\n{\"name\": \"" + name + "\", \"arguments\": " + arguments + "}\n</tool_call>";
    };
    const std::string rome = call("weather", R"({"city": "Rome", "unit": "C"})"), one = call("add", R"({"a": 1})");
    const std::vector<std::string> texts = {rome,
                                            one,
                                            call("add", R"({"city": "Rome"})"),
                                            call("weather", R"({"city": "Constantinople"})"),
                                            call("weather", R"({"unit": "C"})"),
                                            rome + "\n" + one,
                                            rome + one};
    CHECK(make("qwen3", "hermes", kTools, false, texts).accepted ==
          std::vector<bool>{true, true, false, false, false, false, false});
    CHECK(make("qwen3", "hermes", kTools, true, texts).accepted ==
          std::vector<bool>{true, true, false, false, false, true, false});
    const std::string item = R"({"name": "add", "arguments": {"a": 1}})";
    CHECK(
        make("mistral-nemo", "mistral", kTools, true, {"[" + item + ", " + item + ", " + item + "]", "[]"}).accepted ==
        std::vector<bool>{true, false});
}

TEST_CASE("tool grammars: strings stand as they are where the notation has no quotes") {
    if (!fixtures::shared()) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    const auto call = [](const std::string& name, const std::string& key, const std::string& value) {
        return "<tool_call>\n<function=" + name + ">\n<parameter=" + key + ">\n" + value +
               "\n</parameter>\n</function>\n</tool_call>";
    };
    const std::vector<std::string> texts = {call("weather", "city", "a\n\"b\""),
                                            call("weather", "city", "12"),
                                            call("weather", "city", "123456789"),
                                            call("weather", "city", "<b></b>"),
                                            call("weather", "city", "</parameter>"),
                                            call("weather", "unit", "C"),
                                            call("add", "a", "\"1\"")};
    CHECK(make("qwen3", "qwen3-coder", kTools, false, texts).accepted ==
          std::vector<bool>{true, true, false, true, false, false, false});
    // Where other types may stand as well, strings that would be read as such may not.
    const std::string mixed = R"([{"name": "f", "parameters": {"properties": {"m": {"type": ["string", "null"]}},
        "additionalProperties": false}}])";
    CHECK(make("qwen3", "qwen3-coder", mixed.c_str(), false,
               {call("f", "m", "ab"), call("f", "m", "12"), call("f", "m", "true"), call("f", "m", "null")})
              .accepted == std::vector<bool>{true, false, false, true});
    // What no string may hold in a notation of JSON: the end of the call.
    const auto json = [](const std::string& city) {
        return "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"" + city + "\"}}\n</tool_call>";
    };
    const std::string tools = R"([{"name": "weather", "parameters": {"properties": {"city": {"type": "string"}}}}])";
    CHECK(make("qwen3", "hermes", tools.c_str(), false, {json("a</tool_call"), json("a</tool_call>"), json("<\\/x>")})
              .accepted == std::vector<bool>{true, false, true});
}

TEST_CASE("tool grammars: what is refused is named") {
    if (!fixtures::shared()) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    const auto error_of = [](const char* vocabulary, const char* format, const char* tools) {
        return make(vocabulary, format, tools, false, {}).error;
    };
    CHECK(error_of("qwen3", "hermes", "[") == "tools: line 1, column 1: not JSON at '['");
    CHECK(error_of("qwen3", "hermes", "{}") == "tools must be an array");
    CHECK(error_of("qwen3", "hermes", "[]") == "tools has none");
    CHECK(error_of("qwen3", "hermes", R"([{"function": {"name": "a b"}}])") ==
          "/0/function/name is no name of a function");
    const auto named = [](std::size_t size) { return R"([{"name": ")" + std::string(size, 'f') + "\"}]"; };
    CHECK(error_of("qwen3", "hermes", named(256).c_str()) == "");
    CHECK(error_of("qwen3", "hermes", named(257).c_str()) == "/0/function/name is no name of a function");
    CHECK(error_of("qwen3", "text", kTools) == "the format 'text' has no tool calls");
    const char* const kSpaced = R"([{"name": "f", "parameters": {"properties": {"a b": {"type": "string"}}}}])";
    CHECK(error_of("qwen3", "lfm2", kSpaced) ==
          "f: schema, 'properties': the name \"a b\" cannot be written, in the format 'lfm2'");
    CHECK(error_of("qwen3", "qwen3-coder", kSpaced) == "");
    const char* const kMarked = R"([{"name": "f", "parameters": {"properties": {"a": {"const": "x</parameter>"}}}}])";
    CHECK(error_of("qwen3", "qwen3-coder", kMarked) ==
          "f: schema: none of the texts of a string can be written, in the format 'qwen3-coder'");
    CHECK(error_of("qwen3", "glm-4", kMarked) == "");
    CHECK(error_of("deepseek-v3", "deepseek", kTools).find("one tool") != std::string::npos);
    const std::string keyword =
        error_of("qwen3", "hermes", R"([{"name": "f", "parameters": {"properties": {"x": {"contentSchema": 1}}}},
                                        {"name": "g", "parameters": {"unevaluatedItems": false}}])");
    CHECK(keyword.find("g: ") == 0);
    CHECK(keyword.find("unevaluatedItems") != std::string::npos);
}
