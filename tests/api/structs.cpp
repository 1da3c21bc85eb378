// SPDX-License-Identifier: MIT
// Programs built with an older header, and programs in C.
#include <cstddef>
#include <cstring>

#include "api/api.hpp"

extern "C" linnet_status c_program(const char* path, const char* prompt, char* out, std::size_t capacity,
                                   std::size_t* size, linnet_error* error);

namespace {

// The first fields of each struct are a program's whole struct; what lies behind is somebody else's.
template <class T>
struct Old {
    T value;
    explicit Old(std::uint32_t size) {
        std::memset(static_cast<void*>(&value), 0x5a, sizeof value);
        std::memset(static_cast<void*>(&value), 0, size);
        value.struct_size = size;
    }
};

}  // namespace

TEST_CASE("structs: an older header's options leave the fields that it lacks at their defaults") {
    const auto path = api::tiny_model();
    if (!path) return;
    Old<linnet_engine_options> engine_options(8);
    engine_options.value.n_threads = 1;
    linnet_engine* engine = nullptr;
    REQUIRE(linnet_engine_create(&engine_options.value, &engine, nullptr) == LINNET_OK);

    Old<linnet_engine_info> engine_info(8);
    REQUIRE(linnet_engine_get_info(engine, &engine_info.value, nullptr) == LINNET_OK);
    CHECK(engine_info.value.n_threads == 1);
    CHECK(reinterpret_cast<std::uintptr_t>(engine_info.value.isa) == 0x5a5a5a5a5a5a5a5a);

    Old<linnet_model_options> model_options(8);
    model_options.value.weights = LINNET_WEIGHTS_PACKED;
    linnet_model* model = nullptr;
    REQUIRE(linnet_model_load(engine, path->c_str(), &model_options.value, &model, nullptr) == LINNET_OK);

    Old<linnet_session_options> session_options(8);
    session_options.value.n_ctx = 48;
    Old<linnet_memory_plan> plan(8);
    REQUIRE(linnet_plan(engine, path->c_str(), &model_options.value, &session_options.value, &plan.value, nullptr) ==
            LINNET_OK);
    CHECK(plan.value.n_ctx == 48);
    CHECK(plan.value.total_bytes == 0x5a5a5a5a5a5a5a5a);
    linnet_session* session = nullptr;
    REQUIRE(linnet_session_create(model, &session_options.value, &session, nullptr) == LINNET_OK);

    Old<linnet_sampler_options> sampler_options(12);  // top_k, temperature
    sampler_options.value.temperature = 1.0F;
    linnet_sampler* sampler = nullptr;
    REQUIRE(linnet_sampler_create(model, &sampler_options.value, &sampler, nullptr) == LINNET_OK);

    linnet_sampler_destroy(sampler);
    linnet_session_destroy(session);
    linnet_model_destroy(model);
    linnet_engine_destroy(engine);
}

TEST_CASE("structs: a program built with the header of ABI 1.0 samples as one of today that sets nothing new") {
    const auto path = api::tiny_model();
    if (!path) return;
    constexpr std::uint32_t kSamplerOptions = 64, kModelInfo = 80;  // sizeof in that header
    static_assert(offsetof(linnet_sampler_options, typical_p) == kSamplerOptions);
    static_assert(offsetof(linnet_model_info, n_embedding) == kModelInfo);
    const linnet::Engine engine;
    const linnet::Model model(engine, *path);
    const std::vector<float> logits = api::logits_of(model, api::some_tokens(9));

    const linnet_logit_bias bias = {7, 2.0F};
    const auto draws = [&](linnet_sampler_options& options) {
        options.top_k = 40;
        options.temperature = 1.5F;
        options.top_p = 0.95F;
        options.repetition_penalty = 1.1F;
        options.seed = 3;
        options.biases = &bias;
        options.n_biases = 1;
        linnet_sampler* sampler = nullptr;
        REQUIRE(linnet_sampler_create(model.get(), &options, &sampler, nullptr) == LINNET_OK);
        std::vector<linnet_token> tokens(50, -1);
        for (linnet_token& token : tokens) {
            CHECK(linnet_sampler_sample(sampler, logits.data(), logits.size(), &token, nullptr) == LINNET_OK);
        }
        linnet_sampler_destroy(sampler);
        return tokens;
    };
    Old<linnet_sampler_options> old_options(kSamplerOptions);
    linnet::SamplerOptions options;
    CHECK(draws(old_options.value) == draws(options));
    options.typical_p = 0.2F;  // such a field would have shown
    CHECK(draws(old_options.value) != draws(options));

    Old<linnet_model_info> info(kModelInfo);
    REQUIRE(linnet_model_get_info(model.get(), &info.value, nullptr) == LINNET_OK);
    CHECK(info.value.n_vocab == logits.size());
    CHECK(info.value.format != nullptr);
    CHECK(info.value.n_embedding == 0x5a5a5a5a);
}

TEST_CASE("structs: a text in linnet_error ends with a whole character") {
    linnet::Engine engine;
    std::string path = "/tmp/";
    while (path.size() < 900) path += "\xe2\x82\xac";  // three bytes each
    for (std::uint32_t size = 40; size <= 48; ++size) {
        linnet_error error = LINNET_ERROR_INIT;
        error.struct_size = size;
        linnet_model* model = nullptr;
        REQUIRE(linnet_model_load(engine.get(), path.c_str(), nullptr, &model, &error) != LINNET_OK);
        const std::string text = error.text;
        CAPTURE(text);
        CHECK(text.size() < size - 8);
        CHECK(text.size() + 4 > size - 8);
        const std::size_t start = text.find('\xe2');
        REQUIRE(start != std::string::npos);
        CHECK((text.size() - start) % 3 == 0);
    }
}

TEST_CASE("structs: the header means the same to a C program") {
    const auto path = api::small_model();
    if (!path) return;
    char buffer[1024];
    std::size_t size = 0;
    linnet_error error = LINNET_ERROR_INIT;
    const linnet_status status = c_program(path->c_str(), "Once upon a time", buffer, sizeof buffer, &size, &error);
    CAPTURE(error.text);
    REQUIRE(status == LINNET_OK);

    linnet::Engine engine;
    linnet::Model model(engine, *path);
    linnet::SessionOptions options;
    options.n_ctx = 64;
    linnet::Session session(model, options);
    session.append("Once upon a time");
    std::string expected;
    session.generate(16, [&](const linnet::Event& event) { expected += event.text; });
    CHECK(std::string(buffer, size) == expected);
    CHECK(size > 10);
    CHECK(c_program("/no/such", "x", buffer, sizeof buffer, &size, &error) == LINNET_ERROR_NOT_FOUND);
    CHECK(c_program(path->c_str(), "x", buffer, 0, &size, &error) == LINNET_STOPPED);
}
