// SPDX-License-Identifier: MIT
// Threads: what may be shared is shared, what may not is refused, and cancelling works from anywhere.
#include <algorithm>
#include <chrono>
#include <thread>

#include "api/api.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Stepped {
    std::vector<linnet_token> tokens;
    std::vector<float> logits;
};

Stepped run(const linnet::Model& model, std::size_t n_prompt) {
    linnet::Session session(model);
    session.append(api::some_tokens(n_prompt));
    session.generate(12, [](const linnet::Event&) {});
    return {session.tokens(), session.logits()};
}

// n tasks, all on threads of their own: a host's job system.
void run_tasks(void*, void (*task)(void* arg, std::uint32_t index), void* arg, std::uint32_t n) {
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < n; ++i) threads.emplace_back(task, arg, i);
    for (auto& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("threads: sessions of one model and of two engines step at the same time") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::EngineOptions options;
    options.n_threads = 2;
    linnet::Engine one(options);
    linnet::Engine two(options);
    const linnet::Model shared(one, *path);
    const linnet::Model other(two, *path);
    const Stepped expected[] = {run(shared, 20), run(shared, 33)};
    Stepped results[4];
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] { results[i] = run(i < 3 ? shared : other, i % 2 == 0 ? 20 : 33); });
    }
    for (auto& thread : threads) thread.join();
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(results[i].tokens == expected[i % 2].tokens);
        CHECK(results[i].logits == expected[i % 2].logits);
    }
}

TEST_CASE("threads: the host's job system gives the same") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::Engine own;
    const Stepped expected = run(linnet::Model(own, *path), 25);
    linnet::EngineOptions options;
    options.n_threads = 3;
    options.parallel_for = run_tasks;
    linnet::Engine hosted(options);
    CHECK(hosted.info().n_threads == 3);
    const Stepped result = run(linnet::Model(hosted, *path), 25);
    CHECK(result.tokens == expected.tokens);
    CHECK(result.logits == expected.logits);
}

TEST_CASE("threads: a session in use is busy, from another thread and from its callback") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::Engine engine;
    const linnet::Model model(engine, *path);
    linnet::Session session(model);
    linnet::Sampler sampler(model);
    session.set_sampler(sampler);
    session.append(api::some_tokens(5));
    struct Context {
        linnet_session* session;
        linnet_sampler* sampler;
        std::vector<linnet_status> seen;
    } context{session.get(), sampler.get(), {}};
    const auto callback = [](void* user, const linnet_event*) -> std::int32_t {
        auto& c = *static_cast<Context*>(user);
        const auto call_all = [&c] {
            const linnet_token* tokens = nullptr;
            const float* logits = nullptr;
            std::size_t n = 0;
            linnet_event event{};
            event.struct_size = sizeof event;
            for (const linnet_status status : {linnet_session_step(c.session, 0, &event, nullptr),
                                               linnet_session_prefill(c.session, 0, &event, nullptr),
                                               linnet_session_append_text(c.session, "x", 1, 0, nullptr),
                                               linnet_session_append_tokens(c.session, nullptr, 0, nullptr),
                                               linnet_session_truncate(c.session, 0, nullptr),
                                               linnet_session_set_sampler(c.session, nullptr, nullptr),
                                               linnet_session_get_tokens(c.session, &tokens, &n, nullptr),
                                               linnet_session_get_logits(c.session, &logits, &n, nullptr),
                                               linnet_session_generate(c.session, 1, nullptr, nullptr, nullptr)}) {
                c.seen.push_back(status);
            }
        };
        call_all();
        std::thread(call_all).join();
        return 1;
    };
    CHECK(linnet_session_generate(session.get(), 5, callback, &context, nullptr) == LINNET_STOPPED);
    CHECK(context.seen == std::vector<linnet_status>(18, LINNET_ERROR_BUSY));
    CHECK(session.generate(2, [](const linnet::Event&) {}));
}

TEST_CASE("threads: cancel before, during and after a step") {
    const auto path = api::small_model();
    if (!path) return;
    linnet::EngineOptions options;
    options.n_threads = 2;
    linnet::Engine engine(options);
    const linnet::Model model(engine, *path);
    linnet::SessionOptions session_options;
    session_options.n_ctx = 1024;
    linnet::Session session(model, session_options);
    const auto prompt = api::some_tokens(1000);
    session.append(prompt);

    linnet_event event{};
    event.struct_size = sizeof event;
    session.cancel();
    CHECK(linnet_session_step(session.get(), 0, &event, nullptr) == LINNET_ERROR_CANCELLED);
    CHECK(session.tokens() == prompt);

    // Again and again into a prefill which takes far longer than the pauses between.
    double worst_ms = 0;
    int n_cancelled = 0;
    for (int round = 0; round < 20; ++round) {
        std::atomic<Clock::rep> asked{0};
        std::thread canceller([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(500 + 700 * round));
            asked = Clock::now().time_since_epoch().count();
            session.cancel();
        });
        const linnet_status status = linnet_session_prefill(session.get(), 0, &event, nullptr);
        const Clock::rep returned = Clock::now().time_since_epoch().count();
        canceller.join();
        if (status == LINNET_ERROR_CANCELLED) {
            ++n_cancelled;
            const Clock::duration late(returned - asked.load());
            worst_ms = std::max(worst_ms, std::chrono::duration<double, std::milli>(late).count());
        } else {
            REQUIRE(status == LINNET_OK);
            // It came too late for this call: the next one is cancelled.
            REQUIRE(linnet_session_prefill(session.get(), 0, &event, nullptr) == LINNET_ERROR_CANCELLED);
        }
        if (round % 5 == 4) session.truncate(0), session.append(prompt);
    }
    MESSAGE("cancelled in the middle: ", n_cancelled, " of 20, worst ", worst_ms, " ms");
    CHECK(n_cancelled > 0);
    CHECK(worst_ms < 100);  // 10 ms are promised; this machine may be busy and sanitised

    // Nothing of it shows in the results.
    while (session.prefill().n_pending != 0) {
    }
    CHECK(session.logits() == api::logits_of(model, prompt));
}

TEST_CASE("threads: a load and a plan beside a running session") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::EngineOptions options;
    options.n_threads = 2;
    linnet::Engine engine(options);
    const linnet::Model model(engine, *path);
    const Stepped expected = run(model, 30);
    std::thread loader([&] {
        for (int i = 0; i < 10; ++i) {
            (void)engine.plan(*path);
            const linnet::Model another(engine, *path);
            (void)engine.info();
        }
    });
    for (int i = 0; i < 10; ++i) CHECK(run(model, 30).logits == expected.logits);
    loader.join();
}
