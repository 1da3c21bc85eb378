// SPDX-License-Identifier: MIT
// The exports of conversations.
#include "api/sweep.hpp"

using namespace sweep;

namespace {

const std::string kJson = R"({"messages": [{"role": "user", "content": "a b"}]})";

linnet_chat_options with_template(const char* chat_template) {
    auto options = sized<linnet_chat_options>();
    options.chat_template = chat_template;
    options.chat_template_size = std::strlen(chat_template);
    return options;
}

}  // namespace

void sweep::add_chat(Table& table) {
    table["linnet_chat_options_init"] = [](Sweep&) { check_init(linnet_chat_options_init); };
    table["linnet_session_append_chat"] = [](Sweep& s) {
        const linnet_chat_options chatml = with_template("chatml");
        std::size_t n = 7;
        const auto append = [&](const char* json, std::size_t size, const linnet_chat_options& options,
                                linnet_error* e) {
            return linnet_session_append_chat(s.session, json, size, &options, &n, e);
        };
        s.refuses("session", [&](linnet_error* e) {
            return linnet_session_append_chat(nullptr, kJson.data(), kJson.size(), &chatml, &n, e);
        });
        CHECK(n == 0);
        s.refuses("json", [&](linnet_error* e) { return append(nullptr, 1, chatml, e); });
        s.refuses("json", [&](linnet_error* e) { return append(kJson.data(), SIZE_MAX, chatml, e); });
        s.refuses("line 1, column 1", [&](linnet_error* e) { return append(nullptr, 0, chatml, e); });
        s.refuses("/messages", [&](linnet_error* e) { return append("{}", 2, chatml, e); });
        s.option_sizes<linnet_chat_options>(
            "linnet_chat_options", 8, chatml, [&](const linnet_chat_options* options, linnet_error* e) {
                return linnet_session_append_chat(s.session, kJson.data(), kJson.size(), options, nullptr, e);
            });
        auto options = chatml;
        options.reserved = 1;
        s.refuses("reserved", [&](linnet_error* e) { return append(kJson.data(), kJson.size(), options, e); });
        options = chatml;
        options.chat_template = nullptr;
        s.refuses("chat_template", [&](linnet_error* e) { return append(kJson.data(), kJson.size(), options, e); });
        options = with_template("no_such_one");
        s.refuses(
            "no_such_one", [&](linnet_error* e) { return append(kJson.data(), kJson.size(), options, e); },
            LINNET_ERROR_NOT_FOUND);
        const std::string huge =
            R"({"messages": [{"role": "user", "content": ")" + std::string(1 << 20, 'x') + R"("}]})";
        s.refuses(
            "n_ctx", [&](linnet_error* e) { return append(huge.data(), huge.size(), chatml, e); },
            LINNET_ERROR_CONTEXT_FULL);
        CHECK(append(kJson.data(), kJson.size(), chatml, nullptr) == LINNET_OK);
        const linnet_token* tokens = nullptr;
        std::size_t n_tokens = 0;
        REQUIRE(linnet_session_get_tokens(s.session, &tokens, &n_tokens, nullptr) == LINNET_OK);
        CHECK(n == n_tokens);  // the options' sizes have appended it already
        REQUIRE(linnet_session_truncate(s.session, 0, nullptr) == LINNET_OK);
    };
    table["linnet_model_render_chat"] = [](Sweep& s) {
        const linnet_chat_options chatml = with_template("chatml");
        std::size_t size = 0;
        char buffer[256];
        const auto render = [&](const linnet_model* model, const char* json, std::size_t json_size,
                                const linnet_chat_options* options, linnet_error* e) {
            return linnet_model_render_chat(model, json, json_size, options, buffer, sizeof buffer, &size, e);
        };
        s.refuses("model", [&](linnet_error* e) { return render(nullptr, kJson.data(), kJson.size(), &chatml, e); });
        s.refuses("json", [&](linnet_error* e) { return render(s.model, nullptr, 1, &chatml, e); });
        s.refuses("json", [&](linnet_error* e) { return render(s.model, kJson.data(), SIZE_MAX, &chatml, e); });
        s.option_sizes<linnet_chat_options>("linnet_chat_options", 8, chatml,
                                            [&](const linnet_chat_options* options, linnet_error* e) {
                                                return render(s.model, kJson.data(), kJson.size(), options, e);
                                            });
        check_text(s, false, [&](char* out, std::size_t capacity, std::size_t* n, linnet_error* e) {
            return linnet_model_render_chat(s.model, kJson.data(), kJson.size(), &chatml, out, capacity, n, e);
        });
        REQUIRE(render(s.model, kJson.data(), kJson.size(), &chatml, nullptr) == LINNET_OK);
        CHECK(std::string(buffer, size) == "<|im_start|>user\na b<|im_end|>\n<|im_start|>assistant\n");
    };
}

void sweep::add_reply(Table& table) {
    table["linnet_reply_options_init"] = [](Sweep&) { check_init(linnet_reply_options_init); };
    table["linnet_reply_create"] = [](Sweep& s) {
        auto hermes = sized<linnet_reply_options>();
        hermes.format = "hermes";
        hermes.format_size = 6;
        const auto create = [&](const linnet_reply_options& options, linnet_error* e) {
            linnet_reply* reply = nullptr;
            const auto status = linnet_reply_create(s.model, &options, &reply, e);
            CHECK((reply != nullptr) == (status == LINNET_OK));
            linnet_reply_destroy(reply);
            return status;
        };
        linnet_reply* made = nullptr;
        s.refuses("reply", [&](linnet_error* e) { return linnet_reply_create(s.model, &hermes, nullptr, e); });
        s.refuses("model", [&](linnet_error* e) { return linnet_reply_create(nullptr, &hermes, &made, e); });
        s.option_sizes<linnet_reply_options>("linnet_reply_options", 8, hermes,
                                             [&](const linnet_reply_options* options, linnet_error* e) {
                                                 linnet_reply* reply = nullptr;
                                                 const auto status = linnet_reply_create(s.model, options, &reply, e);
                                                 linnet_reply_destroy(reply);
                                                 return status;
                                             });
        const auto refuses = [&](const char* part, auto change, linnet_status status = LINNET_ERROR_INVALID_ARGUMENT) {
            auto options = hermes;
            change(options);
            s.refuses(
                part, [&](linnet_error* e) { return create(options, e); }, status);
        };
        refuses("reserved", [](auto& o) { o.reserved = 1; });
        refuses("format", [](auto& o) { o.format = nullptr; });
        refuses("chat_template", [](auto& o) { o.chat_template_size = 1; });
        refuses("tools", [](auto& o) { o.tools_size = SIZE_MAX; });
        refuses("tools: line 1", [](auto& o) {
            o.tools = "[";
            o.tools_size = 1;
        });
        refuses(
            "'nobody'", [](auto& o) { o.format = "nobody"; }, LINNET_ERROR_NOT_FOUND);
        linnet_model* other = nullptr;
        linnet_session* foreign = nullptr;
        REQUIRE(linnet_model_load(s.engine, s.path_.c_str(), nullptr, &other, nullptr) == LINNET_OK);
        REQUIRE(linnet_session_create(other, nullptr, &foreign, nullptr) == LINNET_OK);
        refuses("session", [&](auto& o) { o.session = foreign; });
        linnet_session_destroy(foreign);
        linnet_model_destroy(other);
        auto options = hermes;
        options.session = s.session;
        CHECK(create(options, nullptr) == LINNET_OK);
        CHECK(made == nullptr);
    };
    table["linnet_reply_destroy"] = [](Sweep&) { linnet_reply_destroy(nullptr); };
    const auto with_reply = [](const std::function<void(Sweep&, linnet_reply*)>& test) {
        return [test](Sweep& s) {
            auto options = sized<linnet_reply_options>();
            options.format = "hermes";
            options.format_size = 6;
            linnet_reply* reply = nullptr;
            REQUIRE(linnet_reply_create(s.model, &options, &reply, nullptr) == LINNET_OK);
            test(s, reply);
            linnet_reply_destroy(reply);
        };
    };
    table["linnet_reply_feed"] = with_reply([](Sweep& s, linnet_reply* reply) {
        s.refuses("reply", [](linnet_error* e) { return linnet_reply_feed(nullptr, "a", 1, e); });
        s.refuses("text", [&](linnet_error* e) { return linnet_reply_feed(reply, nullptr, 1, e); });
        s.refuses("text", [&](linnet_error* e) { return linnet_reply_feed(reply, "a", SIZE_MAX, e); });
        CHECK(linnet_reply_feed(reply, nullptr, 0, nullptr) == LINNET_OK);
        CHECK(linnet_reply_finish(reply, nullptr) == LINNET_OK);
        s.refuses("finished", [&](linnet_error* e) { return linnet_reply_feed(reply, "a", 1, e); });
    });
    table["linnet_reply_feed_token"] = with_reply([](Sweep& s, linnet_reply* reply) {
        s.refuses("reply", [](linnet_error* e) { return linnet_reply_feed_token(nullptr, 5, e); });
        for (const linnet_token token : {INT_MIN, -1, static_cast<int>(s.n_vocab), INT_MAX}) {
            s.refuses("token", [&](linnet_error* e) { return linnet_reply_feed_token(reply, token, e); });
        }
        CHECK(linnet_reply_feed_token(reply, 40, nullptr) == LINNET_OK);
        CHECK(linnet_reply_finish(reply, nullptr) == LINNET_OK);
        s.refuses("finished", [&](linnet_error* e) { return linnet_reply_feed_token(reply, 40, e); });
    });
    table["linnet_reply_finish"] = with_reply([](Sweep& s, linnet_reply* reply) {
        s.refuses("reply", [](linnet_error* e) { return linnet_reply_finish(nullptr, e); });
        CHECK(linnet_reply_finish(reply, nullptr) == LINNET_OK);
        CHECK(linnet_reply_finish(reply, nullptr) == LINNET_OK);
    });
    table["linnet_reply_next"] = with_reply([](Sweep& s, linnet_reply* reply) {
        auto event = sized<linnet_reply_event>();
        s.refuses("reply", [&](linnet_error* e) { return linnet_reply_next(nullptr, &event, e); });
        s.refuses("event", [&](linnet_error* e) { return linnet_reply_next(reply, nullptr, e); });
        s.output_sizes<linnet_reply_event>("linnet_reply_event", 8, [&](linnet_reply_event* out, linnet_error* e) {
            return linnet_reply_next(reply, out, e);
        });
        const std::string call = "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}, \"id\": \"x\"}</tool_call>";
        REQUIRE(linnet_reply_feed(reply, call.data(), call.size(), nullptr) == LINNET_OK);
        REQUIRE(linnet_reply_next(reply, &event, nullptr) == LINNET_OK);
        CHECK(event.kind == LINNET_REPLY_TOOL_CALL);
        CHECK(std::string(event.text, event.text_size) == "{\"a\": 1}");
        CHECK(std::string(event.name, event.name_size) == "f");
        CHECK(std::string(event.id, event.id_size) == "x");
        REQUIRE(linnet_reply_next(reply, &event, nullptr) == LINNET_OK);
        CHECK(event.kind == LINNET_REPLY_NONE);
    });
}

void sweep::add_tools(Table& table) {
    static constexpr std::string_view kTools = R"([{"name": "f", "parameters": {"properties": {"a": {"enum": [1, 2]}},
        "required": ["a"], "additionalProperties": false}}])";
    static const auto hermes = [] {
        auto options = sized<linnet_tool_options>();
        options.format = "hermes";
        options.format_size = 6;
        return options;
    };
    table["linnet_tool_options_init"] = [](Sweep&) { check_init(linnet_tool_options_init); };
    table["linnet_grammar_create_tools"] = [](Sweep& s) {
        const auto create = [&](const char* tools, std::size_t size, const linnet_tool_options* options,
                                linnet_error* e) {
            linnet_grammar* grammar = nullptr;
            const auto status = linnet_grammar_create_tools(s.model, tools, size, options, &grammar, e);
            CHECK((grammar != nullptr) == (status == LINNET_OK));
            linnet_grammar_destroy(grammar);
            return status;
        };
        const linnet_tool_options good = hermes();
        linnet_grammar* made = nullptr;
        s.refuses("grammar", [&](linnet_error* e) {
            return linnet_grammar_create_tools(s.model, kTools.data(), kTools.size(), &good, nullptr, e);
        });
        s.refuses("model", [&](linnet_error* e) {
            return linnet_grammar_create_tools(nullptr, kTools.data(), kTools.size(), &good, &made, e);
        });
        s.refuses("tools", [&](linnet_error* e) { return create(nullptr, 1, &good, e); });
        s.refuses("tools", [&](linnet_error* e) { return create(kTools.data(), SIZE_MAX, &good, e); });
        s.refuses("line 1", [&](linnet_error* e) { return create("[", 1, &good, e); });
        s.option_sizes<linnet_tool_options>("linnet_tool_options", 8, good,
                                            [&](const linnet_tool_options* options, linnet_error* e) {
                                                return create(kTools.data(), kTools.size(), options, e);
                                            });
        auto options = good;
        options.flags = 2;
        s.refuses("flags", [&](linnet_error* e) { return create(kTools.data(), kTools.size(), &options, e); });
        options = good;
        options.format = nullptr;
        s.refuses("format", [&](linnet_error* e) { return create(kTools.data(), kTools.size(), &options, e); });
        options = good;
        options.chat_template_size = 1;
        s.refuses("chat_template", [&](linnet_error* e) { return create(kTools.data(), kTools.size(), &options, e); });
        options = good;
        options.format = "text";
        options.format_size = 4;
        s.refuses(
            "'text'", [&](linnet_error* e) { return create(kTools.data(), kTools.size(), &options, e); },
            LINNET_ERROR_UNSUPPORTED);
        CHECK(made == nullptr);
    };
    table["linnet_grammar_get_opening"] = [](Sweep& s) {
        linnet_grammar* grammar = nullptr;
        std::size_t size = 7;
        const linnet_tool_options good = hermes();
        s.refuses("grammar",
                  [&](linnet_error* e) { return linnet_grammar_get_opening(nullptr, nullptr, 0, &size, e); });
        REQUIRE(linnet_grammar_create_tools(s.model, kTools.data(), kTools.size(), &good, &grammar, nullptr) ==
                LINNET_OK);
        s.refuses("size", [&](linnet_error* e) { return linnet_grammar_get_opening(grammar, nullptr, 0, nullptr, e); });
        s.refuses("buffer", [&](linnet_error* e) { return linnet_grammar_get_opening(grammar, nullptr, 9, &size, e); });
        CHECK(linnet_grammar_get_opening(grammar, nullptr, 0, &size, nullptr) == LINNET_OK);
        CHECK(size == 0);
        linnet_grammar_destroy(grammar);
    };
}
