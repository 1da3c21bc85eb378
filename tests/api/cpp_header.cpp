// SPDX-License-Identifier: MIT
// linnet.hpp: what it adds to linnet.h.
#include <stdexcept>

#include "api/api.hpp"

TEST_CASE("linnet.hpp: errors carry status and text") {
    linnet::Engine engine;
    try {
        linnet::Model model(engine, "/no/such/model.gguf");
        FAIL("loaded");
    } catch (const linnet::Error& error) {
        CHECK(error.status() == LINNET_ERROR_NOT_FOUND);
        CHECK(std::string(error.what()).find("LINNET_ERROR_NOT_FOUND: ") == 0);
        CHECK(std::string(error.what()).find("/no/such/model.gguf") != std::string::npos);
    }
    linnet::EngineOptions options;
    CHECK(options.struct_size == sizeof(linnet_engine_options));
    options.isa = "z80";
    CHECK_THROWS_AS(linnet::Engine{options}, linnet::Error);
}

TEST_CASE("linnet.hpp: callbacks may return nothing, return bool, throw") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::Engine engine;
    linnet::Model model(engine, *path);
    linnet::Session session(model);
    session.append(api::some_tokens(4));
    int n_events = 0;
    CHECK(session.generate(2, [&](const linnet::Event&) { ++n_events; }));
    CHECK(n_events >= 1);
    CHECK(!session.generate(2, [](const linnet::Event&) { return false; }));
    CHECK_THROWS_AS(session.generate(2, [](const linnet::Event&) { throw std::logic_error("mine"); }),
                    std::logic_error);
    CHECK(session.generate(2, [](const linnet::Event&) { return true; }));
}

TEST_CASE("linnet.hpp: objects move, ranges end with DONE") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::SessionOptions options;
    options.n_ctx = 16;
    auto make = [&] {
        linnet::Engine engine;
        linnet::Model model(engine, *path);
        return linnet::Session(model, options);  // the parents go, the session stays
    };
    linnet::Session made = make();
    linnet::Session session = std::move(made);
    session.append(api::some_tokens(4));
    std::int32_t last = 0;
    std::size_t n_tokens = 0;
    for (const linnet::Event& event : session.events()) {
        last = event.kind;
        if (event.kind == LINNET_EVENT_TOKEN) ++n_tokens;
    }
    CHECK(last == LINNET_EVENT_DONE);
    CHECK(n_tokens >= 1);
    CHECK(n_tokens <= 12);
}
