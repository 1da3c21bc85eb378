// SPDX-License-Identifier: MIT
// Every allocation fails once: the host's allocator and operator new, at each call in turn, through the whole life of a
// session. Whatever fails gives a status, everything can be destroyed, nothing is lost.
#include "api/api.hpp"

namespace {

// A conversation, in place of what the session holds.
linnet_status chat(linnet_session* session, linnet_error* error) {
    constexpr std::string_view kJson =
        R"({"messages": [{"role": "user", "content": "a b"}], "extra": {"x": [1, {"y": "z"}]}})";
    linnet_chat_options options;
    linnet_chat_options_init(&options, sizeof options);
    options.chat_template = "plain";
    options.chat_template_size = 5;
    return linnet_session_append_chat(session, kJson.data(), kJson.size(), &options, nullptr, error);
}

// A reply with a call, and one that is none.
linnet_status read_reply(const linnet_model* model, linnet_error* error) {
    constexpr std::string_view kReply =
        "<think>so</think> Hi <tool_call>{\"name\": \"f\", \"arguments\": {\"a\": [1, \"x\"]}}</tool_call>"
        "<tool_call>f(</tool_call>";
    linnet_reply_options options;
    linnet_reply_options_init(&options, sizeof options);
    options.format = "hermes";
    options.format_size = 6;
    linnet_reply* reply = nullptr;
    linnet_status status = linnet_reply_create(model, &options, &reply, error);
    if (status == LINNET_OK) status = linnet_reply_feed(reply, kReply.data(), kReply.size(), error);
    if (status == LINNET_OK) status = linnet_reply_feed_token(reply, 40, error);
    if (status == LINNET_OK) status = linnet_reply_finish(reply, error);
    linnet_reply_destroy(reply);
    return status;
}

linnet_status make_tools(linnet_model* model, linnet_error* error) {
    constexpr std::string_view kTools = R"([{"name": "f", "parameters": {"properties": {"a": {"enum": [1, 2]}}}}])";
    linnet_tool_options options;
    linnet_tool_options_init(&options, sizeof options);
    options.format = "hermes";
    options.format_size = 6;
    linnet_grammar* grammar = nullptr;
    const auto status = linnet_grammar_create_tools(model, kTools.data(), kTools.size(), &options, &grammar, error);
    linnet_grammar_destroy(grammar);
    return status;
}

// The whole life: returns the first status that is not OK.
linnet_status live(const std::string& path, api::HostMemory& memory, linnet_error* error) {
    linnet_engine_options engine_options;
    linnet_engine_options_init(&engine_options, sizeof engine_options);
    engine_options.n_threads = 2;
    memory.install(engine_options);
    linnet_session_options session_options;
    linnet_session_options_init(&session_options, sizeof session_options);
    session_options.n_ctx = 64;
    session_options.n_batch = 16;
    linnet_sampler_options sampler_options;
    linnet_sampler_options_init(&sampler_options, sizeof sampler_options);
    sampler_options.temperature = 0.5F;
    const linnet_logit_bias bias = {7, 1.0F};
    sampler_options.biases = &bias;
    sampler_options.n_biases = 1;
    linnet_memory_plan plan{};
    plan.struct_size = sizeof plan;

    linnet_engine* engine = nullptr;
    linnet_model* model = nullptr;
    linnet_session* session = nullptr;
    linnet_sampler* sampler = nullptr;
    linnet_token tokens[32];
    char text[256];
    std::size_t n = 0;
    linnet_status status = linnet_engine_create(&engine_options, &engine, error);
    if (status == LINNET_OK) status = linnet_plan(engine, path.c_str(), nullptr, &session_options, &plan, error);
    if (status == LINNET_OK) status = linnet_model_load(engine, path.c_str(), nullptr, &model, error);
    if (status == LINNET_OK) status = linnet_session_create(model, &session_options, &session, error);
    if (status == LINNET_OK) status = linnet_sampler_create(model, &sampler_options, &sampler, error);
    if (status == LINNET_OK) status = linnet_session_set_sampler(session, sampler, error);
    if (status == LINNET_OK) status = linnet_tokenize(model, "a b", 3, 0, tokens, 32, &n, error);
    if (status == LINNET_OK) status = linnet_detokenize(model, tokens, n, 0, text, sizeof text, &n, error);
    if (status == LINNET_OK) status = linnet_token_get_bytes(model, 5, text, sizeof text, &n, error);
    if (status == LINNET_OK) status = linnet_model_get_metadata(model, "general.type", text, sizeof text, &n, error);
    if (status == LINNET_ERROR_NOT_FOUND) status = LINNET_OK;
    if (status == LINNET_OK) status = linnet_session_append_text(session, "a b c", 5, 0, error);
    if (status == LINNET_OK) status = linnet_session_generate(session, 5, nullptr, nullptr, error);
    if (status == LINNET_OK) status = linnet_session_truncate(session, 2, error);
    if (status == LINNET_OK) status = chat(session, error);
    if (status == LINNET_OK) status = read_reply(model, error);
    if (status == LINNET_OK) status = make_tools(model, error);
    if (status == LINNET_OK) status = linnet_session_generate(session, 2, nullptr, nullptr, error);
    // A session whose step failed goes on where it was.
    if (session != nullptr && sampler != nullptr) {
        (void)linnet_session_truncate(session, 0, nullptr);
        const linnet_token again[] = {5, 6};
        if (linnet_session_append_tokens(session, again, 2, nullptr) == LINNET_OK) {
            (void)linnet_session_generate(session, 1, nullptr, nullptr, nullptr);
        }
    }
    linnet_engine_destroy(engine);
    linnet_model_destroy(model);
    linnet_sampler_destroy(sampler);
    linnet_session_destroy(session);
    return status;
}

}  // namespace

TEST_CASE("faults: each call of the host's allocator fails once") {
    const auto path = api::tiny_model();
    if (!path) return;
    std::uint64_t n_failures = 0;
    std::uint64_t n_tolerated = 0;  // memory that would only have been better: a container that wanted to shrink
    for (;;) {
        api::HostMemory memory;
        memory.fail_at(n_failures + 1);
        linnet_error error = LINNET_ERROR_INIT;
        const linnet_status status = live(*path, memory, &error);
        CAPTURE(n_failures);
        CAPTURE(error.text);
        REQUIRE(memory.n_live() == 0);
        REQUIRE(memory.n_wrong() == 0);
        if (!memory.failed()) {
            REQUIRE(status == LINNET_OK);
            break;
        }
        ++n_failures;
        if (status == LINNET_OK) {
            ++n_tolerated;
            continue;
        }
        REQUIRE(status == LINNET_ERROR_OUT_OF_MEMORY);
        REQUIRE(std::string(error.text).find("memory") != std::string::npos);
    }
    MESSAGE(n_failures, " failed allocations of the host, of them tolerated: ", n_tolerated);
    CHECK(n_failures > 10);
    CHECK(n_tolerated * 10 < n_failures);
}

TEST_CASE("faults: each operator new fails once") {
    const auto path = api::tiny_model();
    if (!path) return;
    std::uint64_t n_failures = 0;
    std::uint64_t n_tolerated = 0;  // memory that would only have been better: a container that wanted to shrink
    for (;;) {
        linnet_error error = LINNET_ERROR_INIT;
        const std::uint64_t before = api::n_live_news();
        // Without a host's allocator: engine memory comes from operator new, too.
        linnet_engine_options options;
        linnet_engine_options_init(&options, sizeof options);
        options.n_threads = 2;
        linnet_engine* engine = nullptr;
        linnet_model* model = nullptr;
        linnet_session* session = nullptr;
        linnet_token tokens[32];
        std::size_t n = 0;
        api::fail_new_at(n_failures + 1);
        linnet_status status = linnet_engine_create(&options, &engine, &error);
        if (status == LINNET_OK) status = linnet_model_load(engine, path->c_str(), nullptr, &model, &error);
        if (status == LINNET_OK) status = linnet_session_create(model, nullptr, &session, &error);
        if (status == LINNET_OK) status = linnet_tokenize(model, "a b", 3, 0, tokens, 32, &n, &error);
        if (status == LINNET_OK) status = linnet_session_append_text(session, "a b", 3, 0, &error);
        if (status == LINNET_OK) status = chat(session, &error);
        if (status == LINNET_OK) status = read_reply(model, &error);
        if (status == LINNET_OK) status = linnet_session_generate(session, 3, nullptr, nullptr, &error);
        linnet_engine_destroy(engine);
        linnet_model_destroy(model);
        linnet_session_destroy(session);
        const bool failed = api::new_failed();
        api::fail_new_at(0);
        const std::uint64_t after = api::n_live_news();
        CAPTURE(n_failures);
        CAPTURE(error.text);
        REQUIRE(after == before);
        if (!failed) {
            REQUIRE(status == LINNET_OK);
            break;
        }
        ++n_failures;
        if (status == LINNET_OK) {
            ++n_tolerated;
            continue;
        }
        REQUIRE(status == LINNET_ERROR_OUT_OF_MEMORY);
    }
    MESSAGE(n_failures, " failed calls of operator new, of them tolerated: ", n_tolerated);
    CHECK(n_failures > 10);
    CHECK(n_tolerated * 10 < n_failures);
}
