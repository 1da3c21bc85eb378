// SPDX-License-Identifier: MIT
// linnet_embed as a host uses it: batches, poolings, texts that are too long, special tokens of BERT's vocabulary, and
// each allocation failing once.
#include <cmath>
#include <cstring>
#include <thread>

#include "api/api.hpp"

namespace {

std::optional<std::string> golden(const char* name) {
    if (const auto shared = fixtures::shared()) {
        const auto path = *shared / "goldens" / name / "model-f32.gguf";
        if (std::filesystem::exists(path)) return path.string();
    }
    MESSAGE("skipped: no golden " << std::string(name));
    return std::nullopt;
}

std::vector<float> part(const std::vector<float>& vectors, std::size_t i, std::size_t n) {
    return {vectors.begin() + static_cast<std::ptrdiff_t>(i * n),
            vectors.begin() + static_cast<std::ptrdiff_t>((i + 1) * n)};
}

double length(const std::vector<float>& x) {
    double squares = 0;
    for (const float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
    return std::sqrt(squares);
}

linnet_status refused(const linnet::Model& model, const std::vector<std::string>& texts,
                      const linnet::EmbedOptions& options) {
    try {
        (void)model.embed(texts, options);
    } catch (const linnet::Error& error) {
        return error.status();
    }
    return LINNET_OK;
}

}  // namespace

TEST_CASE("embed: a text's vector does not depend on its neighbours, and has length 1") {
    for (const char* name : {"bert", "nomic_bert", "embeddinggemma", "qwen3_embedding"}) {
        const auto path = golden(name);
        if (!path) continue;
        CAPTURE(std::string(name));
        linnet::Engine engine;
        const linnet::Model model(engine, *path);
        const linnet_model_info info = model.info();
        const std::size_t n = info.n_embedding;
        CHECK(n == info.d_model);
        CHECK(info.pooling != LINNET_POOLING_NONE);
        std::vector<std::string> texts = {"the", "a somewhat longer text, with a comma", "x"};
        std::string longest;
        while (model.tokenize(longest).size() < 100) longest += "the text goes on. ";
        texts.push_back(longest);
        const auto together = model.embed(texts);
        REQUIRE(together.size() == texts.size() * n);
        for (std::size_t i = 0; i < texts.size(); ++i) {
            CAPTURE(i);
            CHECK(model.embed({texts[i]}) == part(together, i, n));
            CHECK(length(part(together, i, n)) == doctest::Approx(1.0));
        }
        linnet::EmbedOptions raw;
        raw.no_normalise = 1;
        const auto states = part(model.embed(texts, raw), 1, n);
        for (std::size_t d = 0; d < n; ++d) {
            CHECK(together[n + d] == doctest::Approx(states[d] / length(states)).epsilon(1e-5));
        }
        // Threads at once.
        std::vector<float> beside;
        std::thread other([&] { beside = model.embed(texts); });
        CHECK(model.embed(texts) == together);
        other.join();
        CHECK(beside == together);
    }
}

TEST_CASE("embed: poolings are of the tokens' states, which lie between the special tokens of the vocabulary") {
    const auto path = golden("bert");
    if (!path) return;
    linnet::Engine engine;
    const linnet::Model model(engine, *path);
    const std::size_t n = model.info().n_embedding;
    CHECK(model.info().bidirectional == 1);
    const std::string text = "a text, and more";
    const auto tokens = model.tokenize(text);
    REQUIRE(tokens.size() > 3);
    CHECK(tokens.front() == 2);  // [CLS]
    CHECK(tokens.back() == 3);   // [SEP]
    linnet::EmbedOptions options;
    options.no_normalise = 1;
    options.pooling = LINNET_POOLING_NONE;
    const auto states = model.embed({text, "a"}, options);
    REQUIRE(states.size() == (tokens.size() + model.tokenize("a").size()) * n);
    options.pooling = LINNET_POOLING_CLS;
    CHECK(model.embed({text}, options) == part(states, 0, n));
    options.pooling = LINNET_POOLING_LAST;
    CHECK(model.embed({text}, options) == part(states, tokens.size() - 1, n));
    options.pooling = LINNET_POOLING_MEAN;
    const auto mean = model.embed({text}, options);
    for (std::size_t d = 0; d < n; ++d) {
        double sum = 0;
        for (std::size_t i = 0; i < tokens.size(); ++i) sum += static_cast<double>(states[i * n + d]);
        CHECK(mean[d] == doctest::Approx(sum / static_cast<double>(tokens.size())).epsilon(1e-5));
    }
    options.pooling = LINNET_POOLING_RANK;
    CHECK(refused(model, {text}, options) == LINNET_ERROR_UNSUPPORTED);
    linnet_session* session = nullptr;
    CHECK(linnet_session_create(model.get(), nullptr, &session, nullptr) == LINNET_ERROR_UNSUPPORTED);
}

TEST_CASE("embed: texts beyond the context are refused, or lose their end but not their last special token") {
    const auto path = golden("bert");
    if (!path) return;
    linnet::Engine engine;
    const linnet::Model model(engine, *path);
    const std::size_t n = model.info().n_embedding;
    std::string text = "the";
    while (model.tokenize(text).size() < 129) text += " a";
    linnet::EmbedOptions options;
    options.no_normalise = 1;
    CHECK(refused(model, {"x", text}, options) == LINNET_ERROR_CONTEXT_FULL);
    options.n_ctx = 129;  // there is no position 128
    CHECK(refused(model, {"x"}, options) == LINNET_ERROR_INVALID_ARGUMENT);
    options.n_ctx = 0;
    options.truncate = 1;
    options.pooling = LINNET_POOLING_LAST;
    const auto got = model.embed({text}, options);
    // 126 of the text's own tokens between [CLS] and [SEP].
    std::string shorter = "the";
    while (model.tokenize(shorter).size() < 128) shorter += " a";
    REQUIRE(model.tokenize(shorter).size() == 128);
    CHECK(got == model.embed({shorter}, options));
    options.n_ctx = 5;
    options.pooling = LINNET_POOLING_NONE;
    CHECK(model.embed({text, text}, options).size() == 10 * n);
}

TEST_CASE("embed: the plan of a model without sessions is what a text of the whole context takes") {
    const auto path = golden("embeddinggemma");
    if (!path) return;
    linnet::Engine engine;
    linnet::SessionOptions options;
    options.n_ctx = 256;
    const linnet_memory_plan plan = engine.plan(*path, {}, options);
    const linnet::Model model(engine, *path);
    const std::uint64_t before = engine.info().memory_used;
    CHECK(before >= plan.weights_bytes + plan.metadata_bytes);
    std::string text = "the";
    while (model.tokenize(text).size() < 256) text += " a";
    while (model.tokenize(text).size() > 256) text.pop_back();
    REQUIRE(model.tokenize(text).size() == 256);
    (void)model.embed({text});
    const std::uint64_t taken = engine.info().memory_peak - before;
    CHECK(engine.info().memory_used == before);
    CHECK(taken >= plan.kv_bytes + plan.scratch_bytes);
    CHECK(taken <= plan.kv_bytes + plan.scratch_bytes + 64 * 1024);  // besides: the text's tokens
}

TEST_CASE("embed: each call of the host's allocator fails once") {
    const auto path = api::tiny_model();
    if (!path) return;
    std::uint64_t n_failures = 0;
    for (;; ++n_failures) {
        api::HostMemory memory;
        linnet_engine_options options;
        linnet_engine_options_init(&options, sizeof options);
        options.n_threads = 1;
        memory.install(options);
        linnet_engine* engine = nullptr;
        linnet_model* model = nullptr;
        REQUIRE(linnet_engine_create(&options, &engine, nullptr) == LINNET_OK);
        REQUIRE(linnet_model_load(engine, path->c_str(), nullptr, &model, nullptr) == LINNET_OK);
        const std::uint64_t used = memory.used();
        linnet_embed_options embed_options;
        linnet_embed_options_init(&embed_options, sizeof embed_options);
        embed_options.pooling = LINNET_POOLING_LAST;
        const linnet_text texts[] = {{"a b", 3}, {"c", 1}};
        std::vector<float> vectors(4096);
        std::size_t n = 0;
        memory.fail_at(n_failures + 1);
        const linnet_status status =
            linnet_embed(model, &embed_options, texts, 2, vectors.data(), vectors.size(), &n, nullptr);
        const bool failed = memory.failed();
        CHECK(memory.used() == used);
        linnet_model_destroy(model);
        linnet_engine_destroy(engine);
        CHECK(memory.n_live() == 0);
        CHECK(memory.n_wrong() == 0);
        if (!failed) {
            CHECK(status == LINNET_OK);
            break;
        }
        CHECK((status == LINNET_ERROR_OUT_OF_MEMORY || status == LINNET_OK));
    }
    CHECK(n_failures >= 5);
}
