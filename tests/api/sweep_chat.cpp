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
