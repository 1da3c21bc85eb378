// SPDX-License-Identifier: MIT
// Replies read back. Expected values are what went into the models' own templates (rendered as transformers renders
// them), and the formats as their publishers document them.
#include "chat/reply.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "chat/support.hpp"
#include "support/fixtures.hpp"

namespace chat = linnet::chat;
using chat::Reply;
using chat::ReplyKind;
using Json = nlohmann::json;

namespace {

struct Parsed {
    std::string text, reasoning;
    Json calls = Json::array();  // [name, arguments] or [name, arguments, id]
    std::vector<std::string> warnings;
    std::string log;  // all of it in order, neighbours joined

    bool operator==(const Parsed& other) const { return log == other.log; }
};

void drain(Reply& reply, Parsed& result, ReplyKind& last) {
    for (auto event = reply.next(); event.kind != ReplyKind::none; event = reply.next()) {
        const bool joins = event.kind == last && (last == ReplyKind::text || last == ReplyKind::reasoning);
        last = event.kind;
        if (!joins) result.log += "|" + std::to_string(static_cast<int>(event.kind)) + ":";
        result.log += std::string(event.name) + std::string(event.id) + std::string(event.text);
        switch (event.kind) {
            case ReplyKind::text: result.text += event.text; break;
            case ReplyKind::reasoning: result.reasoning += event.text; break;
            case ReplyKind::tool_call: {
                CHECK(event.index == result.calls.size());
                Json call = {event.name, Json::parse(event.text)};
                if (!event.id.empty()) call.push_back(event.id);
                result.calls.push_back(call);
                break;
            }
            case ReplyKind::warning: result.warnings.emplace_back(event.text); break;
            case ReplyKind::none: break;
        }
    }
}

// Fed in pieces of `step` bytes (0: at once).
Parsed parse_in(const chat::ReplyFormat& format, std::string_view text, std::string_view prompt,
                const std::string& tools, std::size_t step) {
    linnet::Memory memory;
    Parsed result;
    {
        Reply reply(format, tools, memory);
        reply.begin_after(prompt);
        ReplyKind last = ReplyKind::none;
        for (std::size_t i = 0; i < text.size(); i += step == 0 ? text.size() : step) {
            reply.feed(text.substr(i, step == 0 ? text.size() : step));
            if (i % 3 != 0) drain(reply, result, last);
        }
        reply.finish();
        drain(reply, result, last);
    }
    CHECK(memory.used() == 0);
    return result;
}

// At once, byte by byte and in between: the same.
Parsed parse(std::string_view format, std::string_view text, std::string_view prompt = {},
             const std::string& tools = {}) {
    const chat::ReplyFormat* const found = chat::find_reply_format(format);
    REQUIRE(found != nullptr);
    const Parsed whole = parse_in(*found, text, prompt, tools, 0);
    for (const std::size_t step : {1U, 2U, 3U, 7U, 16U}) {
        const Parsed split = parse_in(*found, text, prompt, tools, step);
        CHECK_MESSAGE(split == whole, "in pieces of ", step, ": ", split.log, " and at once: ", whole.log);
    }
    return whole;
}

std::string read_text(const std::filesystem::path& path) {
    const auto bytes = fixtures::read(path);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string render(const std::string& source, const Json& request, const Json& meta) {
    const auto bos = meta["bos_token"].get<std::string>(), eos = meta["eos_token"].get<std::string>();
    const auto outcome = chat_test::outcome([&](linnet::Memory& memory) {
        chat::Arena arena(memory, 1 << 26, 1 << 26);
        const chat::Value value = chat::parse_json(arena, request.dump(), "case");
        const auto parsed = chat::Template::parse(source, memory);
        return std::string(render_conversation(parsed, value, {bos, eos}, {{}, chat_test::kNow}, arena));
    });
    return outcome.error.empty() ? outcome.text : "";
}

std::string trimmed(std::string text) {
    text.erase(0, std::min(text.find_first_not_of(" \n"), text.size()));
    text.erase(text.find_last_not_of(" \n") + 1);
    return text;
}

// What follows the assistant's turn is no reply.
std::string without_end(std::string text, const Json& meta) {
    // These templates open another turn.
    for (const char* const end : {"<|END_OF_TURN_TOKEN|>", "<SPECIAL_12>"})
        text.erase(std::min(text.find(end), text.size()));
    for (bool again = true; again;) {
        text.erase(text.find_last_not_of(" \n") + 1);
        again = false;
        for (const std::string& end :
             {meta["eos_token"].get<std::string>(), std::string("<|im_end|>"), std::string("<|eot_id|>"),
              std::string("<|end|>"), std::string("<turn|>"), std::string("<|tool_response>")}) {
            if (!end.empty() && text.size() > end.size() &&
                text.compare(text.size() - end.size(), end.size(), end) == 0) {
                text.erase(text.size() - end.size());
                again = true;
            }
        }
    }
    return text;
}

}  // namespace

TEST_CASE("reply: what the models' templates make of an assistant's turn is read back") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    // Formats and how many of their turns with calls are read back, over all templates that have them.
    std::map<std::string, int> n_read;
    for (const auto& entry : std::filesystem::directory_iterator(*shared / "templates")) {
        if (!std::filesystem::exists(entry.path() / "template.jinja")) continue;
        const std::string name = entry.path().filename().string();
        const std::string source = read_text(entry.path() / "template.jinja");
        const Json meta = Json::parse(read_text(entry.path() / "meta.json"));
        const chat::ReplyFormat& format = chat::reply_format_of(source);
        std::istringstream lines(read_text(entry.path() / "cases.jsonl"));
        for (std::string line; std::getline(lines, line);) {
            Json request = Json::parse(line);
            const auto tag = request["tag"].get<std::string>();
            if (tag != "tool-result" && tag != "tool-parallel" && tag != "tool-null-content") continue;
            Json& messages = request["messages"];
            auto turn = std::find_if(messages.begin(), messages.end(),
                                     [](const Json& message) { return message.contains("tool_calls"); });
            const Json assistant = *turn;
            messages.erase(turn, messages.end());
            request["add_generation_prompt"] = true;
            const std::string prompt = render(source, request, meta);
            request["add_generation_prompt"] = false;
            messages.push_back(assistant);
            const std::string whole = render(source, request, meta);
            // Some templates show no calls, or write past turns in another way than the model does.
            const auto called = assistant["tool_calls"][0]["function"]["name"].get<std::string>();
            if (prompt.empty() || whole.compare(0, prompt.size(), prompt) != 0) continue;
            const std::string turn_text = without_end(whole.substr(prompt.size()), meta);
            if (turn_text.find(called) == std::string::npos) continue;
            INFO(name, " ", tag, ": ", turn_text);
            const Parsed parsed =
                parse(format.name, turn_text, prompt, request["tools"].is_array() ? request["tools"].dump() : "");
            CHECK(parsed.warnings.empty());
            const std::string content = assistant["content"].is_string() ? assistant["content"].get<std::string>() : "";
            const std::string said = parsed.text + parsed.reasoning;
            const bool is_said = said == trimmed(content) || said.empty() || (said == "None" && content.empty());
            CHECK_MESSAGE(is_said, said);
            REQUIRE(parsed.calls.size() <= assistant["tool_calls"].size());
            for (std::size_t i = 0; i < parsed.calls.size(); ++i) {
                CHECK(parsed.calls[i][0] == assistant["tool_calls"][i]["function"]["name"]);
                CHECK(parsed.calls[i][1] == assistant["tool_calls"][i]["function"]["arguments"]);
            }
            CHECK((parsed.calls.size() == assistant["tool_calls"].size() || name == "gpt-oss"));  // shows the first
            ++n_read[std::string(format.name)];
        }
    }
    const std::map<std::string, int> expected = {
        {"apertus", 3}, {"command-r", 3}, {"deepseek", 3}, {"glm-4", 3},        {"gpt-oss", 2},     {"hermes", 25},
        {"llama-3", 6}, {"minicpm", 3},   {"mistral", 6},  {"mistral-args", 7}, {"qwen3-coder", 6}, {"seed-oss", 3}};
    CHECK(n_read == expected);
}

TEST_CASE("reply: reasoning that templates show is read back") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: ../shared is not there");
        return;
    }
    std::set<std::string> read;
    for (const auto& entry : std::filesystem::directory_iterator(*shared / "templates")) {
        if (!std::filesystem::exists(entry.path() / "template.jinja")) continue;
        const std::string name = entry.path().filename().string();
        const std::string source = read_text(entry.path() / "template.jinja");
        const Json meta = Json::parse(read_text(entry.path() / "meta.json"));
        std::istringstream lines(read_text(entry.path() / "cases.jsonl"));
        for (std::string line; std::getline(lines, line);) {
            Json request = Json::parse(line);
            const auto tag = request["tag"].get<std::string>();
            if (tag != "reasoning-content" && tag != "thinking-field") continue;
            const Json assistant = request["messages"].back();
            const auto thought = assistant.value("reasoning_content", assistant.value("thinking", ""));
            request["add_generation_prompt"] = false;
            const std::string whole = render(source, request, meta);
            request["messages"].erase(request["messages"].end() - 1);
            request["add_generation_prompt"] = true;
            const std::string prompt = render(source, request, meta);
            if (prompt.empty() || whole.compare(0, prompt.size(), prompt) != 0) continue;
            const std::string turn_text = without_end(whole.substr(prompt.size()), meta);
            if (thought.empty() || turn_text.find(thought) == std::string::npos || thought == assistant["content"])
                continue;
            INFO(name, " ", tag, ": ", turn_text);
            const Parsed parsed = parse(chat::reply_format_of(source).name, turn_text, prompt);
            CHECK(parsed.reasoning == thought);
            CHECK(parsed.text == trimmed(assistant["content"]));
            read.insert(name);
        }
    }
    std::string names;
    for (const std::string& name : read) names += name + " ";
    CHECK(names == "bielik-11b glm-4.6 minicpm5-1b qwen3.5 seed-oss ");
}

TEST_CASE("reply: formats as their publishers document them") {
    struct Case {
        const char *format, *reply, *events;  // 1: text, 2: reasoning, 3: a call (name, id, arguments)
    };
    const Case kCases[] = {
        {"text", "a <think>b</think> {\"name\": 1}\n", "|1:a <think>b</think> {\"name\": 1}\n"},
        {"hermes", "Hello\n", "|1:Hello\n"},
        {"hermes", "<think>\nhm\n\nso\n</think>\n\nHello <think>\n", "|2:hm\n\nso|1:Hello <think>\n"},
        {"hermes", "<think>\n\n</think>\n\nHello", "|1:Hello"},
        {"hermes", "<think>never ends", "|2:never ends"},
        {"hermes",
         "Let me see.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"<x> \\u00e9\"}}\n</tool_call>\n"
         "<tool_call>{\"name\": \"g\", \"arguments\": \"{\\\"b\\\": 1}\"}</tool_call>",
         "|1:Let me see.|3:f{\"a\": \"<x> \xc3\xa9\"}|3:g{\"b\": 1}"},
        {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {}}", "|3:f{}"},
        {"hermes", "<think>so \n", "|2:so \n"},
        {"hermes", "<tool_call>{\"name\": \"f\", \"args\": {}}\n{\"name\": \"g\", \"args\": {\"a\": 1}}</tool_call>",
         "|3:f{}|3:g{\"a\": 1}"},
        {"command-r",
         "<|START_ACTION|>[{\"tool_call_id\": \"0\", \"tool_name\": \"f\", \"parameters\": {}}]<|END_ACTION|>",
         "|3:f0{}"},
        {"minicpm", "<function name=\"f\"><param name=\"a\"><![CDATA[<b>]]></param></function>",
         "|3:f{\"a\": \"<b>\"}"},
        {"lfm2", "<|tool_call_start|>[f(a=\"\\ud83d\\ude00\", b=1e+2, c=\"\\u00e9\",)]<|tool_call_end|>",
         "|3:f{\"a\": \"\xf0\x9f\x98\x80\", \"b\": 100.0, \"c\": \"\xc3\xa9\"}"},
        {"llama-3", " {\"name\": \"f\", \"parameters\": {\"a\": 1}}; {\"name\": \"g\", \"parameters\": {}}",
         "|3:f{\"a\": 1}|3:g{}"},
        {"llama-3", "{ \"type\" : \"function\", \"name\": \"f\", \"parameters\": {\"a\": null}}", "|3:f{\"a\": null}"},
        {"llama-3", "<|python_tag|>{\"name\": \"f\", \"parameters\": {}}", "|3:f{}"},
        {"llama-3", "{\"answer\": 1}", "|1:{\"answer\": 1}"},
        {"llama-3", "See {\"name\": 1}", "|1:See {\"name\": 1}"},
        {"mistral", "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"a\": [1.50, 2]}, \"id\": \"abcdefghi\"}]",
         "|3:fabcdefghi{\"a\": [1.5, 2]}"},
        {"mistral-args", "[THINK]so[/THINK]Hi[TOOL_CALLS]f[ARGS]{\"a\": 1}[TOOL_CALLS]g[CALL_ID]x1[ARGS]{}",
         "|2:so|1:Hi|3:f{\"a\": 1}|3:gx1{}"},
        {"gemma-4",
         "<|channel>thought\nhm\n<channel|>Hi <|tool_call>call:f{a:<|\"|>x, \"y\": "
         "{<|\"|>,b:{c:[1,true,null]}}<tool_call|>",
         "|2:hm|1:Hi|3:f{\"a\": \"x, \\\"y\\\": {\", \"b\": {\"c\": [1, true, null]}}"},
        {"gemma", "```tool_code\nf(city=\"Rome\", n=-2)\n```", "|3:f{\"city\": \"Rome\", \"n\": -2}"},
        {"gemma", "<start_function_call>call:f{city:<escape>Rome<escape>}<end_function_call>",
         "|3:f{\"city\": \"Rome\"}"},
        {"gemma", "[{\"name\": \"f\", \"parameters\": {}}]", "|3:f{}"},
        {"phi-4-mini", "<|tool_call|>[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]<|/tool_call|>", "|3:f{\"a\": 1}"},
        {"granite-3", "<think>so</think><response>Hi</response>", "|2:so|1:Hi"},
        {"granite-3", "<|tool_call|>[{\"name\": \"f\", \"arguments\": {}}, {\"name\": \"g\", \"arguments\": {}}]",
         "|3:f{}|3:g{}"},
        {"gpt-oss",
         "<|channel|>analysis<|message|>Need f.<|end|><|start|>assistant<|channel|>commentary to=functions.f "
         "<|constrain|>json<|message|>{\"a\": 1}<|call|>",
         "|2:Need f.|3:f{\"a\": 1}"},
        {"gpt-oss", " to=functions.f<|channel|>commentary json<|message|>{}", "|3:f{}"},
        {"gpt-oss",
         "<|channel|>commentary<|message|>First f.<|end|><|start|>assistant<|channel|>final<|message|>Done.<|return|>",
         "|1:First f.Done."},
        {"lfm2",
         "<|tool_call_start|>[f(a=\"x\\n'y'\", b=[1, 2.5], c={'k': True, \"l\": None}), g()]<|tool_call_end|>Wait.",
         "|3:f{\"a\": \"x\\n'y'\", \"b\": [1, 2.5], \"c\": {\"k\": true, \"l\": null}}|3:g{}|1:Wait."},
        {"deepseek",
         "<think>so</think><\xef\xbd\x9ctool\xe2\x96\x81"
         "calls\xe2\x96\x81"
         "begin\xef\xbd\x9c>"
         "<\xef\xbd\x9ctool\xe2\x96\x81"
         "call\xe2\x96\x81"
         "begin\xef\xbd\x9c>function<\xef\xbd\x9ctool\xe2\x96\x81sep\xef\xbd\x9c>f\n"
         "```json\n{\"a\": 1}\n```<\xef\xbd\x9ctool\xe2\x96\x81"
         "call\xe2\x96\x81"
         "end\xef\xbd\x9c>"
         "<\xef\xbd\x9ctool\xe2\x96\x81"
         "calls\xe2\x96\x81"
         "end\xef\xbd\x9c>",
         "|2:so|3:f{\"a\": 1}"},
        {"kimi",
         "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{\"a\": 1}"
         "<|tool_call_end|><|tool_calls_section_end|>",
         "|3:ffunctions.f:0{\"a\": 1}"},
        {"glm-4", "<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>", "|3:f{\"a\": 1}"},
        {"qwen3-coder",
         "<tool_call>\n<function=f>\n<parameter=a>\n two\nlines\n</parameter>\n</function>\n</tool_call>",
         "|3:f{\"a\": \" two\\nlines\"}"},
    };
    for (const Case& c : kCases) {
        INFO(std::string(c.format), ": ", std::string(c.reply));
        CHECK(parse(c.format, c.reply).log == c.events);
    }
}

TEST_CASE("reply: a prompt that ends inside of reasoning") {
    CHECK(parse("hermes", "\nso\n</think>\n\nHi", "<|im_start|>assistant\n<think>\n").log == "|2:so|1:Hi");
    CHECK(parse("hermes", "so\n", "<|im_start|>assistant\n<think>\n\n</think>\n\n").log == "|1:so\n");
}

TEST_CASE("reply: a tool's schema tells texts from numbers") {
    const std::string tools = R"([{"type": "function", "function": {"name": "f", "parameters": {"type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}}}])";
    const char* const kReply =
        "<tool_call>\n<function=f>\n<parameter=a>\n12\n</parameter>\n<parameter=b>\n12\n</parameter>\n"
        "</function>\n</tool_call>";
    CHECK(parse("qwen3-coder", kReply, "", tools).log == "|3:f{\"a\": \"12\", \"b\": 12}");
    CHECK(parse("qwen3-coder", kReply).log == "|3:f{\"a\": 12, \"b\": 12}");
    const auto typed = [](const std::string& schema, const std::string& value) {
        const std::string given = R"([{"name": "f", "parameters": {"$defs": {"t": {"enum": ["1", "None"]}},
            "properties": {"a": )" +
                                  schema + "}}}]";
        const std::string reply =
            "<tool_call><function=f><parameter=a>\n" + value + "\n</parameter></function></tool_call>";
        return parse("qwen3-coder", reply, "", given).log;
    };
    // Strings whatever they look like, by references and lists of values as well; the templates write Python's words.
    CHECK(typed(R"({"$ref": "#/$defs/t"})", "1") == "|3:f{\"a\": \"1\"}");
    CHECK(typed(R"({"anyOf": [{"$ref": "#/$defs/t"}, {"const": "x"}]})", "1") == "|3:f{\"a\": \"1\"}");
    CHECK(typed(R"({"anyOf": [{"$ref": "#/$defs/t"}, {"type": "integer"}]})", "1") == "|3:f{\"a\": 1}");
    CHECK(typed(R"({"type": ["string"]})", "1") == "|3:f{\"a\": \"1\"}");
    CHECK(typed(R"({"oneOf": [{"type": "string"}, {"const": "x"}]})", "1") == "|3:f{\"a\": \"1\"}");
    CHECK(typed(R"({"allOf": [{"maxLength": 3}, {"type": "string"}]})", "1") == "|3:f{\"a\": \"1\"}");
    CHECK(typed(R"({"type": "boolean"})", " False ") == "|3:f{\"a\": false}");
    CHECK(typed(R"({"type": "boolean"})", "True") == "|3:f{\"a\": true}");
    CHECK(typed(R"({"type": ["boolean", "null"]})", "None") == "|3:f{\"a\": null}");
    CHECK(typed(R"({"type": ["string", "null"]})", "None") == "|3:f{\"a\": \"None\"}");
    CHECK(typed(R"({"$ref": "#/$defs/none"})", "1") == "|3:f{\"a\": 1}");
    CHECK(typed(R"({"$ref": "#/properties/a"})", "1") == "|3:f{\"a\": 1}");  // a loop
    linnet::Memory memory;
    CHECK_THROWS_AS(Reply(chat::reply_formats()[0], "{}", memory), linnet::Error);
    CHECK_THROWS_AS(Reply(chat::reply_formats()[0], "[", memory), linnet::Error);
}

TEST_CASE("reply: what is no tool call is text and a warning") {
    struct Case {
        const char *format, *reply, *text;
    };
    const Case kCases[] = {
        {"hermes", "a <tool_call>{\"name\": \"f\", </tool_call> b", "a<tool_call>{\"name\": \"f\", </tool_call> b"},
        {"hermes", "<tool_call>\n{\"name\": 3}\n</tool_call>", "<tool_call>\n{\"name\": 3}\n</tool_call>"},
        {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": [1]}",
         "<tool_call>{\"name\": \"f\", \"arguments\": [1]}"},
        {"hermes", "<tool_call></tool_call>", "<tool_call></tool_call>"},
        {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {}} or so</tool_call>",
         "<tool_call>{\"name\": \"f\", \"arguments\": {}} or so</tool_call>"},
        {"hermes", "<tool_call>{\"name\": \"a b\", \"arguments\": {}}",
         "<tool_call>{\"name\": \"a b\", \"arguments\": {}}"},
        {"hermes", "<tool_call>[]</tool_call>", "<tool_call>[]</tool_call>"},
        {"hermes", "<tool_call>f()g()</tool_call>", "<tool_call>f()g()</tool_call>"},
        {"llama-3", "{\"name\": \"Rome\"", "{\"name\": \"Rome\""},
        {"lfm2", "<|tool_call_start|>[f(1)]<|tool_call_end|>", "<|tool_call_start|>[f(1)]<|tool_call_end|>"},
        {"lfm2", "<|tool_call_start|>[f(a='x]<|tool_call_end|>", "<|tool_call_start|>[f(a='x]<|tool_call_end|>"},
        {"gpt-oss", "Hello", "Hello"},
        {"gpt-oss", "<|channel|>commentary to=functions.f<|message|>no JSON<|call|>",
         "<|channel|>commentary to=functions.f<|message|>no JSON"},
        {"qwen3-coder", "<tool_call><function=f><parameter=a>1</tool_call>",
         "<tool_call><function=f><parameter=a>1</tool_call>"},
    };
    for (const Case& c : kCases) {
        INFO(std::string(c.format), ": ", std::string(c.reply));
        const Parsed parsed = parse(c.format, c.reply);
        CHECK(parsed.text == c.text);
        CHECK(parsed.calls.empty());
        CHECK(parsed.warnings.size() == 1);
    }
    const auto named = [](std::size_t size) {
        return parse("hermes", "<tool_call>{\"name\": \"" + std::string(size, 'f') + "\"}</tool_call>");
    };
    CHECK(named(256).calls.size() == 1);
    CHECK(named(257).warnings.size() == 1);
    // After one that failed, the next is read.
    CHECK(parse("hermes", "<tool_call>x y</tool_call><tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>")
              .calls.size() == 1);
}

TEST_CASE("reply: bytes that are no text, and limits") {
    CHECK(parse("hermes", "a\xff\xc3").text == "a\xef\xbf\xbd\xef\xbf\xbd");
    linnet::Memory memory;
    const chat::ReplyFormat& hermes = *chat::find_reply_format("hermes");
    {
        Reply reply(hermes, "", memory);
        Parsed parsed;
        ReplyKind last = ReplyKind::none;
        reply.feed("<tool_call>");
        const std::string block(1 << 16, '[');
        for (int i = 0; i < 40; ++i) {
            reply.feed(block);
            drain(reply, parsed, last);
        }
        CHECK(parsed.warnings.size() == 1);  // as soon as it is too long
        reply.finish();
        drain(reply, parsed, last);
        CHECK(parsed.text.size() == 11 + 40 * block.size());
        CHECK(parsed.warnings.size() == 1);
    }
    // Depth is bounded, whoever nests.
    for (const char* const format : {"hermes", "lfm2", "gemma-4"}) {
        const std::string deep(100000, '[');
        const std::string name = format;
        const std::string reply = name == "hermes" ? "<tool_call>{\"name\": \"f\", \"arguments\": " + deep
                                  : name == "lfm2" ? "<|tool_call_start|>[f(a=" + deep
                                                   : "<|tool_call>call:f{a:" + deep;
        const Parsed parsed = parse_in(*chat::find_reply_format(format), reply, "", "", 0);
        CHECK(parsed.text == reply);
        CHECK(parsed.warnings.size() == 1);
    }
    CHECK(memory.used() == 0);
}

TEST_CASE("reply: formats have unique names, templates give theirs") {
    std::set<std::string_view> names;
    for (const chat::ReplyFormat& format : chat::reply_formats()) CHECK(names.insert(format.name).second);
    CHECK(chat::reply_format_of("").name == "text");
    if (fixtures::shared()) {
        for (const auto& [folder, format] :
             std::map<std::string, std::string>{{"deepseek-v3", "deepseek-v3"},
                                                {"deepseek-v3.1", "deepseek"},
                                                {"deepseek-r1-distill-qwen", "deepseek-v3"},
                                                {"gemma-4", "gemma-4"},
                                                {"lfm2.5", "lfm2"},
                                                {"seed-oss", "seed-oss"}}) {
            const std::string source = read_text(*fixtures::shared() / "templates" / folder / "template.jinja");
            CHECK(chat::reply_format_of(source).name == format);
        }
    }
    CHECK(chat::reply_format_of("{{ '<start_of_turn>' }}").name == "gemma");
    CHECK(chat::find_reply_format("nobody") == nullptr);
}
