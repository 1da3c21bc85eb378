// SPDX-License-Identifier: MIT
// Sessions of models whose layers have states instead of keys: truncating to anywhere and going on gives the tokens and
// logits of a session that never went further.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "session/session.hpp"
#include "support/golden.hpp"

namespace {

using linnet::Session;
using linnet::Token;

std::vector<Token> generate(Session& session, std::size_t n) {
    std::vector<Token> tokens;
    while (tokens.size() < n) {
        const linnet::Event event = session.step(0);
        if (event.kind == linnet::EventKind::token || event.kind == linnet::EventKind::done)
            tokens.push_back(event.token);
    }
    return tokens;
}

}  // namespace

TEST_CASE("recurrent models: truncated sessions go on as others do") {
    for (const char* name : {"lfm2", "qwen35"}) {
        CAPTURE(std::string(name));
        const auto folder = golden::find(name);
        if (!folder) {
            MESSAGE("skipped: no golden " << std::string(name));
            continue;
        }
        const golden::Golden golden = golden::load(*folder);
        const auto engine = std::make_shared<linnet::Engine>(linnet::EngineOptions{});
        auto file = linnet::gguf::File::open(golden.model.string(), true, engine->memory);
        const auto model = std::make_shared<linnet::Model>(engine, std::move(file), linnet::LoadOptions{});
        const auto prompt = std::span(golden.tokens);
        for (const std::uint32_t n_batch : {1U, 16U, 512U}) {
            CAPTURE(n_batch);
            Session session(model, {.n_ctx = 256, .n_batch = n_batch});
            session.append(prompt.first(30));
            session.append(prompt.subspan(30));
            const auto first = generate(session, 20);
            for (const std::size_t keep : {prompt.size() + 10, prompt.size(), prompt.size() - 1, std::size_t{31},
                                           std::size_t{16}, std::size_t{1}, std::size_t{0}}) {
                CAPTURE(keep);
                session.truncate(keep);
                if (keep < prompt.size()) session.append(prompt.subspan(keep));
                const auto again = generate(session, prompt.size() + 20 - std::max(keep, prompt.size()));
                const auto expected = std::span(first).last(again.size());
                CHECK(std::equal(again.begin(), again.end(), expected.begin()));
            }
            // Another way from the middle, against a session that has seen nothing else.
            session.truncate(25);
            session.append(prompt.first(12));
            Session fresh(model, {.n_ctx = 256});
            fresh.append(prompt.first(25));
            fresh.append(prompt.first(12));
            CHECK(generate(session, 5) == generate(fresh, 5));
            CHECK(std::memcmp(session.logits().data(), fresh.logits().data(), session.logits().size_bytes()) == 0);
        }
    }
}
