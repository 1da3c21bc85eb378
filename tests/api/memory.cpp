// SPDX-License-Identifier: MIT
// No hidden cost: the plan is exact, the limit holds, steps allocate nothing, idle threads use no CPU.
#include <sys/resource.h>

#include <chrono>
#include <thread>

#include "api/api.hpp"

namespace {

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

TEST_CASE("memory: the plan is what is then taken, to the byte") {
    for (const auto& path : {api::tiny_model(), api::small_model()}) {
        if (!path) continue;
        for (const std::uint32_t n_threads : {1U, 3U}) {
            for (const std::int32_t weights : {LINNET_WEIGHTS_PACKED, LINNET_WEIGHTS_MAPPED}) {
                for (const std::int32_t no_map : {0, 1}) {
                    if (no_map == 1 && weights == LINNET_WEIGHTS_MAPPED) continue;
                    for (const std::int32_t kv_type : {LINNET_KV_F16, LINNET_KV_F32, LINNET_KV_Q8_0}) {
                        for (const std::uint32_t n_ctx : {0U, 1U, 65U, 300U}) {
                            for (const std::uint32_t n_batch : {0U, 7U}) {
                                CAPTURE(*path);
                                CAPTURE(n_threads);
                                CAPTURE(weights);
                                CAPTURE(no_map);
                                CAPTURE(kv_type);
                                CAPTURE(n_ctx);
                                CAPTURE(n_batch);
                                linnet::EngineOptions engine_options;
                                engine_options.n_threads = n_threads;
                                linnet::Engine engine(engine_options);
                                linnet::ModelOptions model_options;
                                model_options.weights = weights;
                                model_options.no_map = no_map;
                                linnet::SessionOptions session_options;
                                session_options.kv_type = kv_type;
                                session_options.n_ctx = n_ctx;
                                session_options.n_batch = n_batch;
                                const std::uint64_t before = engine.info().memory_used;
                                const auto plan = engine.plan(*path, model_options, session_options);
                                REQUIRE(engine.info().memory_used == before);
                                const linnet::Model model(engine, *path, model_options);
                                const std::uint64_t loaded = engine.info().memory_used;
                                CHECK(loaded - before == plan.weights_bytes + plan.metadata_bytes);
                                const linnet::Session session(model, session_options);
                                CHECK(engine.info().memory_used - loaded == plan.kv_bytes + plan.scratch_bytes);
                                CHECK(engine.info().memory_used - before == plan.total_bytes);
                                CHECK(plan.file_bytes == std::filesystem::file_size(*path));
                                CHECK((plan.weights_bytes == 0) == (weights == LINNET_WEIGHTS_MAPPED));
                                if (n_ctx != 0) CHECK(plan.n_ctx == n_ctx);
                            }
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("memory: the limit holds and says so; what fits, fits exactly") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::SessionOptions session_options;
    session_options.n_ctx = 128;
    std::uint64_t total = 0;
    std::uint64_t peak = 0;
    {
        linnet::Engine engine;
        const linnet::Model model(engine, *path);
        const linnet::Session session(model, session_options);
        total = engine.info().memory_used;
        peak = engine.info().memory_peak;
    }
    for (const std::uint64_t limit : {peak, total - 1, total / 2, std::uint64_t{100000}}) {
        CAPTURE(limit);
        linnet::EngineOptions options;
        options.memory_limit = limit;
        linnet::Engine engine(options);
        linnet_status status = LINNET_OK;
        std::string text;
        try {
            const linnet::Model model(engine, *path);
            const linnet::Session session(model, session_options);
            CHECK(engine.info().memory_used <= limit);
        } catch (const linnet::Error& error) {
            status = error.status();
            text = error.what();
        }
        CHECK(engine.info().memory_peak <= limit);
        if (limit == peak) {
            CHECK(status == LINNET_OK);
        } else {
            CHECK(status == LINNET_ERROR_OUT_OF_MEMORY);
            CHECK(text.find(std::to_string(limit)) != std::string::npos);
        }
    }
}

TEST_CASE("memory: steps allocate nothing") {
    for (const auto& path : {api::tiny_model(), api::small_model()}) {
        if (!path) continue;
        linnet::EngineOptions options;
        options.n_threads = 2;
        linnet::Engine engine(options);
        linnet::Model model(engine, *path);
        linnet::SessionOptions session_options;
        session_options.n_ctx = 256;
        linnet::Session session(model, session_options);
        linnet::SamplerOptions sampling;
        sampling.temperature = 1.0F;
        sampling.top_k = 40;
        sampling.top_p = 0.95F;
        sampling.min_p = 0.01F;
        sampling.repetition_penalty = 1.1F;
        const linnet::Sampler sampler(model, sampling);
        session.set_sampler(sampler);
        session.append(api::some_tokens(100));

        linnet_event event{};
        event.struct_size = sizeof event;
        linnet_session* handle = session.get();
        const std::uint64_t in_engine = engine.info().n_allocations;
        const std::uint64_t news = api::n_news();
        std::size_t n_steps = 0;
        bool failed = false;
        do {
            failed = linnet_session_step(handle, n_steps % 3 == 0 ? 200 : 0, &event, nullptr) != LINNET_OK;
            ++n_steps;
        } while (!failed && event.kind != LINNET_EVENT_DONE && n_steps < 500);
        const std::uint64_t news_after = api::n_news();
        CHECK(!failed);
        CHECK(n_steps > 3);
        CHECK(engine.info().n_allocations == in_engine);
        CHECK(news_after == news);
    }
}

TEST_CASE("memory: an idle engine uses no CPU") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::EngineOptions options;
    options.n_threads = 4;
    linnet::Engine engine(options);
    linnet::Model model(engine, *path);
    (void)api::logits_of(model, api::some_tokens(30));  // the threads have worked
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const double before = cpu_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    CHECK(cpu_seconds() - before < 0.01);  // of 0.5 s; a spinning thread would take all of it
}
