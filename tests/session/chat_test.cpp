// SPDX-License-Identifier: MIT
// Conversations as a session's sequence: what is kept of it, what is undone when something fails, and that what comes
// out does not depend on either.
#include "session/chat.hpp"

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "support/fixtures.hpp"
#include "support/gguf_rewrite.hpp"
#include "support/sanitized.hpp"

using linnet::Engine;
using linnet::Error;
using linnet::Model;
using linnet::Session;
using linnet::Status;
using linnet::Token;

namespace {

const std::shared_ptr<const Model>& shared_model() {
    static const std::shared_ptr<const Model> model = [] {
        const auto engine = std::make_shared<Engine>(linnet::EngineOptions());
        const std::string path = (fixtures::models() / "tiny-tales-6m-Q8_0.gguf").string();
        auto file = linnet::gguf::File::open(path, true, engine->memory);
        return std::make_shared<const Model>(engine, std::move(file), linnet::LoadOptions());
    }();
    return model;
}

std::vector<Token> tokens_of(const Session& session) { return {session.tokens().begin(), session.tokens().end()}; }

std::vector<float> logits_of(Session& session) {
    while (session.prefill(0).n_pending != 0) {
    }
    return {session.logits().begin(), session.logits().end()};
}

std::string error_of(const std::string& json, std::string_view chat_template, Status expected) {
    try {
        (void)render_chat(*shared_model(), json, chat_template);
    } catch (const Error& error) {
        CHECK(error.status() == expected);
        return error.what();
    }
    return {};
}

// Reasoning is shown in the last turn only, as many models want it.
constexpr const char* kThinking =
    "{% for m in messages %}{{ m.role }}: {% if loop.last and m.thinking %}({{ m.thinking }}) {% endif %}"
    "{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}";

std::string conversation(const std::string& messages) { return "{\"messages\": [" + messages + "]}"; }

const std::string kUser = R"({"role": "user", "content": "Tell me a story about a little fox."})";
const std::string kAnswer =
    R"(, {"role": "assistant", "content": "Once upon a time there was a fox.", "thinking": "A fox, then."})";
const std::string kMore = R"(, {"role": "user", "content": "And then?"})";

}  // namespace

TEST_CASE("chat: a conversation that goes on keeps what it has, and gives the same bits") {
    Session session(shared_model(), {.n_ctx = 256});
    CHECK(append_chat(session, conversation(kUser), "chatml") == 0);
    const std::size_t first = session.tokens().size();
    (void)logits_of(session);
    CHECK(append_chat(session, conversation(kUser), "chatml") == first);  // the same once more: all of it
    CHECK(session.tokens().size() == first);
    const std::size_t kept = append_chat(session, conversation(kUser + kAnswer + kMore), "chatml");
    CHECK(kept == first);

    Session fresh(shared_model(), {.n_ctx = 256});
    CHECK(append_chat(fresh, conversation(kUser + kAnswer + kMore), "chatml") == 0);
    CHECK(tokens_of(fresh) == tokens_of(session));
    CHECK(logits_of(fresh) == logits_of(session));
}

TEST_CASE("chat: a template that rewrites earlier turns keeps the longest common prefix") {
    Session session(shared_model(), {.n_ctx = 256});
    (void)append_chat(session, conversation(kUser + kAnswer), kThinking);
    (void)logits_of(session);
    const std::vector<Token> before = tokens_of(session);
    const std::size_t kept = append_chat(session, conversation(kUser + kAnswer + kMore), kThinking);
    const std::vector<Token> after = tokens_of(session);
    std::size_t common = 0;
    while (common < before.size() && common < after.size() && before[common] == after[common]) ++common;
    CHECK(kept == common);
    CHECK(common > 10);
    CHECK(common < before.size());
    Session fresh(shared_model(), {.n_ctx = 256});
    (void)append_chat(fresh, conversation(kUser + kAnswer + kMore), kThinking);
    CHECK(tokens_of(fresh) == after);
    CHECK(logits_of(fresh) == logits_of(session));
}

TEST_CASE("chat: the text is the conversation's, the last message of the assistant is continued") {
    const Model& model = *shared_model();
    CHECK(render_chat(model, conversation(kUser), "chatml") ==
          "<|im_start|>user\nTell me a story about a little fox.<|im_end|>\n<|im_start|>assistant\n");
    CHECK(render_chat(model, conversation(kUser + kAnswer), "chatml") ==
          "<|im_start|>user\nTell me a story about a little fox.<|im_end|>\n<|im_start|>assistant\nOnce upon a time "
          "there was a fox.");
    CHECK(render_chat(model, conversation(kUser), "") == render_chat(model, conversation(kUser), "chatml"));  // its own
    // Without braces the longest name has 64 bytes; what is longer is a template.
    CHECK(error_of(conversation(kUser), std::string(64, 'x'), Status::not_found).find("no built-in") !=
          std::string::npos);
    CHECK(std::string(render_chat(model, conversation(kUser), std::string(65, 'x'))) == std::string(65, 'x'));
    CHECK(render_chat(model, R"({"messages": [], "extra": {"a": [1, null]}})", "{{ a }}") == "[1, None]");
    CHECK(render_chat(model, R"({"messages": [], "now": "2024-02-29"})", "{{ strftime_now('%d.%m.%Y') }}") ==
          "29.02.2024");
    CHECK(render_chat(model, R"({"messages": []})", "{{ strftime_now is defined }}") == "False");
    CHECK(render_chat(model, R"({"messages": [], "now": "2024-02-29"})", "{{ strftime_now is defined }}") == "True");
}

TEST_CASE("chat: a model's own template comes first, and another one when there are tools") {
    const gguf_test::Bytes original = fixtures::read(fixtures::models() / "tiny-tales-6m-Q8_0.gguf");
    gguf_test::Rewrite rewrite(original);
    rewrite.text("tokenizer.chat_template", "own: {{ messages[0].content }}");
    rewrite.text("tokenizer.chat_template.tool_use", "{{ tools | length }} tools: {{ messages[0].content }}");
    const auto engine = std::make_shared<Engine>(linnet::EngineOptions());
    const gguf_test::Bytes bytes = rewrite.bytes();
    const Model model(engine, gguf_test::open(linnet::Source::from_memory(bytes), engine->memory),
                      linnet::LoadOptions());
    const std::string user = R"("messages": [{"role": "user", "content": "Hi"}])";
    const std::string tools = R"(, "tools": [{"name": "f"}])";
    CHECK(render_chat(model, "{" + user + "}", "") == "own: Hi");
    CHECK(render_chat(model, "{" + user + R"(, "tools": []})", "") == "own: Hi");
    CHECK(render_chat(model, "{" + user + tools + "}", "") == "1 tools: Hi");
    CHECK(render_chat(model, "{" + user + "}", "plain").find("Hi\n\n") != std::string::npos);
}

TEST_CASE("chat: tools and documents that the template does not show are an error that names it") {
    const std::string tools = R"(, "tools": [{"type": "function", "function": {"name": "little"}}]})";
    const std::string documents = R"(, "documents": [{"text": "little"}]})";
    const std::string open = "{\"messages\": [" + kUser + "]";
    CHECK(error_of(open + tools, "chatml", Status::unsupported) ==
          "/tools: the built-in chat template 'chatml' shows none of them: leave them out, or give one that does");
    CHECK(error_of(open + documents, "chatml", Status::unsupported).find("/documents: ") == 0);
    // Each by itself: that the other one is shown does not help.
    const std::string both = open + tools.substr(0, tools.size() - 1) + documents;
    CHECK(error_of(both, "{{ tools | length }}", Status::unsupported).find("/documents: ") == 0);
    CHECK(error_of(both, "{{ documents | length }}", Status::unsupported).find("/tools: ") == 0);
    CHECK(error_of(open + tools, "{{ messages[0].content }}", Status::unsupported) ==
          "/tools: the chat template shows none of them: leave them out, or give one that does");
    const Model& model = *shared_model();
    CHECK(render_chat(model, open + tools, "{% for t in tools %}{{ t.function.name }}{% endfor %}") == "little");
    CHECK(render_chat(model, open + documents, "{{ documents[0].text }}") == "little");
    CHECK(render_chat(model, open + tools, "{{ tools[0].function.name }}") == "little");  // fails without
    for (const char* const none : {"[]", "null"}) {
        const std::string empty = R"(, "tools": )" + std::string(none) + R"(, "documents": )" + none + "}";
        CHECK(render_chat(model, open + empty, "{{ messages | length }}") == "1");
    }
    const std::string called = conversation(kUser + R"(, {"role": "assistant", "content": "", "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": {}}}]})" +
                                            kMore);
    CHECK(error_of(called, "chatml", Status::invalid_argument) == "the built-in template shows no tool calls");
}

TEST_CASE("chat: a grammar's text begins behind the conversation, whatever was kept of it") {
    const auto grammar = std::make_shared<const linnet::constrain::Grammar>(
        linnet::constrain::Grammar::from_regex("fox, bear", shared_model()->engine().memory));
    const auto trie = std::make_shared<const linnet::constrain::TokenTrie>(shared_model()->tokenizer(),
                                                                           shared_model()->engine().memory);
    Session session(shared_model(), {.n_ctx = 256});
    const auto said = [&] {
        std::string text;
        for (int i = 0; i < 20; ++i) {
            const linnet::Event event = session.step(0);
            text += event.text;
            if (event.kind == linnet::EventKind::done) break;
        }
        return text;
    };
    (void)append_chat(session, conversation(kUser), "{{ messages[-1].content }}");
    session.set_grammar(grammar, trie);
    CHECK(said() == "fox, bear");
    // What was said so far, cut short: all of it is in the sequence already.
    const std::string half = R"({"messages": [{"role": "user", "content": "Tell me a story about a little fox.fox"}]})";
    const std::size_t n_reused = append_chat(session, half, "{{ messages[-1].content }}");
    CHECK(n_reused == session.tokens().size());
    CHECK(said() == "fox, bear");
}

TEST_CASE("chat: a model without a template and of no family needs one") {
    const auto engine = std::make_shared<Engine>(linnet::EngineOptions());
    const std::string path = (fixtures::local() / "goldens/gemma3/model-f32.gguf").string();
    const Model model(engine, linnet::gguf::File::open(path, true, engine->memory), linnet::LoadOptions());
    CHECK(render_chat(model, conversation(kUser), "plain") == "<s>Tell me a story about a little fox.\n\n");
    try {
        (void)render_chat(model, conversation(kUser), "");
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.status() == Status::not_found);
    }
}

TEST_CASE("chat: special tokens of the text are one token each") {
    const Model& model = *shared_model();
    const auto& tokenizer = model.tokenizer();
    REQUIRE(tokenizer.bos() != linnet::kNoToken);
    Session session(shared_model(), {.n_ctx = 64});
    (void)append_chat(session, R"({"messages": []})", "{{ bos_token }}a{{ eos_token }}b");
    const auto tokens = session.tokens();
    CHECK(tokens.front() == tokenizer.bos());
    CHECK(std::count(tokens.begin(), tokens.end(), tokenizer.bos()) == 1 + (tokenizer.bos() == tokenizer.eos()));
    CHECK(std::count(tokens.begin(), tokens.end(), tokenizer.eos()) == 1 + (tokenizer.bos() == tokenizer.eos()));
}

TEST_CASE("chat: after an error the sequence is as before") {
    Session session(shared_model(), {.n_ctx = 48});
    (void)append_chat(session, conversation(kUser), "plain");
    const std::vector<Token> before = tokens_of(session);
    const std::vector<float> logits = logits_of(session);
    const auto fails = [&](const std::string& json, std::string_view chat_template, Status expected) {
        CHECK_THROWS_AS((void)append_chat(session, json, chat_template), Error);
        try {
            (void)append_chat(session, json, chat_template);
        } catch (const Error& error) {
            CHECK(error.status() == expected);
        }
        CHECK(tokens_of(session) == before);
        CHECK(logits_of(session) == logits);
    };
    fails("{", "chatml", Status::invalid_argument);
    fails(R"({"messages": 1})", "chatml", Status::invalid_argument);
    fails(conversation(kUser + kMore + kMore + kMore + kMore + kMore + kMore), "chatml", Status::context_full);
    fails(conversation(kUser), "{{ 1 / 0 }}", Status::invalid_argument);
    fails(conversation(kUser), "{% if", Status::bad_file);
    fails(conversation(kUser), "nobody", Status::not_found);
}

TEST_CASE("chat: a conversation may fill the context") {
    Session wide(shared_model(), {.n_ctx = 256});
    (void)append_chat(wide, conversation(kUser), "chatml");
    const auto n_tokens = static_cast<std::uint32_t>(wide.tokens().size());
    Session full(shared_model(), {.n_ctx = n_tokens});
    (void)append_chat(full, conversation(kUser), "chatml");
    CHECK(tokens_of(full) == tokens_of(wide));
    Session small(shared_model(), {.n_ctx = n_tokens - 1});
    CHECK_THROWS_AS((void)append_chat(small, conversation(kUser), "chatml"), Error);
    CHECK(small.tokens().empty());
}

TEST_CASE("chat: errors of templates name line and column") {
    CHECK(error_of(conversation(kUser), "{{ 1 }}\n  {{ nothing.at.all }}", Status::invalid_argument) ==
          "chat template, line 2, column 13: 'nothing' is undefined");
    CHECK(error_of(conversation(kUser), "\n\n{% for %}", Status::bad_file).find("line 3, column ") !=
          std::string::npos);
    CHECK(error_of(conversation(kUser), "{{ raise_exception('no foxes') }}", Status::invalid_argument) == "no foxes");
    CHECK(error_of(conversation(kUser), "{{ strftime_now('%Y') }}", Status::invalid_argument).find("\"now\"") !=
          std::string::npos);
}

TEST_CASE("chat: templates that never end, end within 50 ms") {
    std::string nested = "{{ ";
    for (int i = 0; i < 100000; ++i) nested += '(';
    const std::string bombs[] = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}"
        "{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for a in range(99999) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
        "{{ 'x' * 999999999 }}",
        "{{ 'x' | center(999999999) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for a in range(99999) %}{{ messages | tojson(indent=9999) }}{% endfor %}",
        "{% for m in messages recursive %}{{ loop(messages) }}{% endfor %}",
        nested,
    };
    for (const std::string& bomb : bombs) {
        CAPTURE(bomb.substr(0, 80));
        double best = 1e9;  // of three
        for (int i = 0; i < 3; ++i) {
            const std::clock_t start = std::clock();  // of the processor: the machine may be busy
            CHECK_THROWS_AS((void)render_chat(*shared_model(), conversation(kUser), bomb), Error);
            best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
        }
        if (!fixtures::kSanitized) CHECK(best < 0.05);
    }
}
