// SPDX-License-Identifier: MIT
// A conversation from JSON to events, as a host has it: through the header-only wrapper.
#include "api/api.hpp"

namespace {

constexpr const char* kUser = R"({"messages": [{"role": "user", "content": "Tell me a story."}]})";

std::string say(linnet::Reply& reply) {
    std::string log;
    for (auto event = reply.next(); event.kind != LINNET_REPLY_NONE; event = reply.next()) {
        log += std::to_string(event.kind) + ":" + std::string(event.name) + std::string(event.text) + "|";
    }
    return log;
}

}  // namespace

TEST_CASE("chat: a turn, its reply, and the next turn reuse what is there") {
    const auto path = api::small_model();
    if (!path) return;
    const linnet::Engine engine;
    const linnet::Model model(engine, *path);
    linnet::Session session(model);
    CHECK(session.append_chat(kUser) == 0);
    const std::vector<linnet_token> prompt = session.tokens();
    CHECK(model.render_chat(kUser) == model.detokenize(prompt));

    linnet::ReplyOptions options;
    options.session = session.get();
    linnet::Reply reply(model, options);
    std::string answer, events;
    session.generate(12, [&](const linnet::Event& event) {
        answer += event.text;
        if (event.token >= 0) reply.feed(event.token);
        for (auto part = reply.next(); part.kind != LINNET_REPLY_NONE; part = reply.next()) events += part.text;
    });
    reply.finish();
    for (auto part = reply.next(); part.kind != LINNET_REPLY_NONE; part = reply.next()) events += part.text;
    CHECK(events == answer);
    CHECK(!answer.empty());

    // Its first tokens are those of the first turn; what the model said is, too, where its tokens are the usual ones.
    const std::string next = R"({"messages": [{"role": "user", "content": "Tell me a story."},
        {"role": "assistant", "content": ")" +
                             std::string("Once.") + R"("}, {"role": "user", "content": "More."}]})";
    CHECK(session.append_chat(next) >= prompt.size());
    CHECK(session.tokens().size() > prompt.size());
}

TEST_CASE("chat: a reply that begins inside of reasoning, by the session's sequence") {
    const auto path = api::small_model();
    if (!path) return;
    const linnet::Engine engine;
    const linnet::Model model(engine, *path);
    linnet::Session session(model);
    (void)session.append_chat(kUser, "{{ messages[0].content }}<think>\n");
    linnet::ReplyOptions options;
    options.session = session.get();
    options.format = "hermes";
    options.format_size = 6;
    linnet::Reply reply(model, options);
    reply.feed("so</think>\n\nHi");
    reply.finish();
    CHECK(say(reply) == "2:so|1:Hi|");
    options.session = nullptr;
    linnet::Reply other(model, options);
    other.feed("so</think>\n\nHi");
    other.finish();
    CHECK(say(other) == "1:so</think>\n\nHi|");
}

TEST_CASE("chat: a reply outlives its model's handle") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::ReplyOptions options;
    options.format = "lfm2";
    options.format_size = 4;
    auto reply = [&] {
        const linnet::Engine engine;
        const linnet::Model model(engine, *path);
        return linnet::Reply(model, options);
    }();
    reply.feed("Hi <|tool_call_start|>[f(a=1)]<|tool_call_end|>");
    CHECK(say(reply) == "1:Hi|3:f{\"a\": 1}|");
}

TEST_CASE("chat: under a grammar of tools a model without any sense calls one") {
    const auto path = api::small_model();
    if (!path) return;
    constexpr std::string_view kTools = R"([{"type": "function", "function": {"name": "look", "parameters": {
        "properties": {"where": {"enum": ["left", "right"]}, "n": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["where", "n"], "additionalProperties": false}}}])";
    const linnet::Engine engine;
    linnet::Model model(engine, *path);
    linnet::ToolOptions tool_options;
    const linnet::Grammar grammar = linnet::Grammar::of_tools(model, kTools, tool_options);
    CHECK(grammar.opening().empty());
    linnet::Session session(model);
    linnet::SamplerOptions sampling;
    sampling.temperature = 1.5F;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        sampling.seed = seed;
        (void)session.append_chat(kUser);
        session.set_sampler(linnet::Sampler(model, sampling));
        session.set_grammar(grammar);
        linnet::Reply reply(model);
        session.generate(200, [&](const linnet::Event& event) { reply.feed(event.text); });
        reply.finish();
        const linnet::ReplyEvent event = reply.next();
        CHECK(event.kind == LINNET_REPLY_TOOL_CALL);
        CHECK(event.name == "look");
        CHECK(event.text.find("\"where\": \"") != std::string_view::npos);
        CHECK(reply.next().kind == LINNET_REPLY_NONE);
        session.set_no_grammar();
    }
}
