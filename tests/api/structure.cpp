// SPDX-License-Identifier: MIT
// Structured text through linnet.h: grammars are shared and outlive their handles.
#include "api/api.hpp"

namespace {

// All text of a generation, and why it ended.
struct Text {
    std::string text;
    std::int32_t reason = 0;
    linnet_token token = -1;
};

Text generate(linnet::Session& session, std::uint32_t max_tokens = 200) {
    Text result;
    session.generate(max_tokens, [&](const linnet::Event& event) {
        result.text += event.text;
        result.reason = event.reason;
        result.token = event.token;
    });
    return result;
}

}  // namespace

TEST_CASE("structure: a grammar serves several sessions and outlives its handle and its model's") {
    const auto path = api::small_model();
    if (!path) return;
    std::optional<linnet::Session> first, second;
    {
        const linnet::Engine engine;
        const linnet::Model model(engine, *path);
        const linnet::Grammar grammar(model, LINNET_GRAMMAR_CHOICES, R"(["red", "green and blue"])");
        first.emplace(model);
        second.emplace(model);
        for (linnet::Session* session : {&*first, &*second}) {
            session->append("The sky is ");
            session->set_grammar(grammar);
        }
    }
    const Text one = generate(*first);
    CHECK((one.text == "red" || one.text == "green and blue"));
    CHECK(one.reason == LINNET_DONE_GRAMMAR);
    CHECK(generate(*second).text == one.text);
    CHECK(generate(*second).text.empty());
    second->append(" or ");
    CHECK(generate(*second).reason == LINNET_DONE_GRAMMAR);
    second->set_no_grammar();
    CHECK(generate(*second, 2).reason == LINNET_DONE_MAX_TOKENS);
}
