// SPDX-License-Identifier: MIT
// Handles are destroyed in every order; whoever is left goes on working, and in the end the host has all memory back.
#include <algorithm>
#include <array>

#include "api/api.hpp"

namespace {

struct Handles {
    explicit Handles(const std::string& path, api::HostMemory& memory) {
        linnet_engine_options options;
        linnet_engine_options_init(&options, sizeof options);
        options.n_threads = 2;
        memory.install(options);
        REQUIRE(linnet_engine_create(&options, &engine, nullptr) == LINNET_OK);
        REQUIRE(linnet_model_load(engine, path.c_str(), nullptr, &model, nullptr) == LINNET_OK);
        REQUIRE(linnet_session_create(model, nullptr, &session, nullptr) == LINNET_OK);
        REQUIRE(linnet_sampler_create(model, nullptr, &sampler, nullptr) == LINNET_OK);
        REQUIRE(linnet_session_set_sampler(session, sampler, nullptr) == LINNET_OK);
    }
    void destroy(int which) {
        if (which == 0) linnet_engine_destroy(std::exchange(engine, nullptr));
        if (which == 1) linnet_model_destroy(std::exchange(model, nullptr));
        if (which == 2) linnet_session_destroy(std::exchange(session, nullptr));
        if (which == 3) linnet_sampler_destroy(std::exchange(sampler, nullptr));
    }
    // Everything that is left is used.
    void use() const {
        if (engine != nullptr) {
            linnet_engine_info info{};
            info.struct_size = sizeof info;
            REQUIRE(linnet_engine_get_info(engine, &info, nullptr) == LINNET_OK);
        }
        if (model != nullptr) {
            std::uint32_t attributes = 0;
            REQUIRE(linnet_token_get_attributes(model, 5, &attributes, nullptr) == LINNET_OK);
            linnet_session* another = nullptr;
            REQUIRE(linnet_session_create(model, nullptr, &another, nullptr) == LINNET_OK);
            linnet_session_destroy(another);
        }
        if (session != nullptr) {
            const auto tokens = api::some_tokens(3);
            REQUIRE(linnet_session_append_tokens(session, tokens.data(), tokens.size(), nullptr) == LINNET_OK);
            REQUIRE(linnet_session_generate(session, 2, nullptr, nullptr, nullptr) == LINNET_OK);
        }
        if (sampler != nullptr) REQUIRE(linnet_sampler_reset(sampler, nullptr) == LINNET_OK);
    }

    linnet_engine* engine = nullptr;
    linnet_model* model = nullptr;
    linnet_session* session = nullptr;
    linnet_sampler* sampler = nullptr;
};

}  // namespace

TEST_CASE("lifetime: every order of destruction") {
    const auto path = api::tiny_model();
    if (!path) return;
    std::array<int, 4> order = {0, 1, 2, 3};
    do {
        CAPTURE(order);
        api::HostMemory memory;
        {
            Handles handles(*path, memory);
            for (const int which : order) {
                handles.destroy(which);
                handles.use();
            }
        }
        CHECK(memory.n_live() == 0);
        CHECK(memory.used() == 0);
        CHECK(memory.n_wrong() == 0);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("lifetime: a session's sampler may be destroyed, replaced and shared in turn") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::Engine engine;
    linnet::Model model(engine, *path);
    linnet::Session a(model);
    auto b = std::make_unique<linnet::Session>(model);
    linnet::Sampler sampler(model);
    b->set_sampler(sampler);
    CHECK_THROWS_AS(a.set_sampler(sampler), linnet::Error);
    b.reset();
    a.set_sampler(sampler);
    a.set_sampler(linnet::Sampler(model));
    linnet::Session c(model);
    c.set_sampler(sampler);
    a.set_greedy();
    a.append(api::some_tokens(4));
    CHECK(a.generate(2, [](const linnet::Event&) {}));
}

TEST_CASE("lifetime: engines come and go, side by side") {
    const auto path = api::tiny_model();
    if (!path) return;
    std::vector<float> expected;
    for (int round = 0; round < 50; ++round) {
        linnet::EngineOptions options;
        options.n_threads = 1 + static_cast<std::uint32_t>(round % 3);
        linnet::Engine one(options);
        linnet::Engine two(options);
        linnet::Model a(one, *path);
        linnet::Model b(two, *path);
        const auto logits = api::logits_of(a, api::some_tokens(9));
        REQUIRE(logits == api::logits_of(b, api::some_tokens(9)));
        if (round == 0) expected = logits;
        REQUIRE(logits == expected);
    }
}
