// SPDX-License-Identifier: MIT
// Models that give vectors against results of other implementations (states of all tokens, the pooled vector), against
// the reference model where no golden has what files may have (classifiers, dense layers), and against themselves:
// same bits for all instruction sets, threads and weights, and for a text whatever was embedded before it.
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "kernels/api/table.hpp"
#include "session/embedder.hpp"
#include "session/session.hpp"
#include "tests/reference/model.hpp"
#include "tests/support/gguf_rewrite.hpp"
#include "tests/support/golden_list.hpp"
#include "tests/support/runner.hpp"
#include "tests/support/temporary.hpp"

namespace {

using gguf_test::Bytes;
using gguf_test::Rewrite;
using golden::Golden;
using linnet::Embedder;
using linnet::Status;
using linnet::Token;
using linnet::arch::Pooling;

template <class F>
void for_each_embedding(F f) {
    for (const char* name : golden::kEmbeddingNames) {
        CAPTURE(std::string(name));
        if (const auto folder = golden::find(name)) {
            f(std::string(name), golden::load(*folder));
        } else {
            MESSAGE("skipped: no golden " << std::string(name));
        }
    }
}

std::vector<float> embed(const linnet::Model& model, std::span<const Token> tokens, Pooling pooling,
                         std::uint32_t n_max = 0) {
    const auto n = static_cast<std::uint32_t>(tokens.size());
    const std::uint32_t context = Embedder::context(model.spec(), 0);
    Embedder embedder(model, context, std::max(n, n_max), pooling);
    std::vector<float> y(Embedder::vector_size(model.spec(), pooling) * (pooling == Pooling::none ? n : 1));
    REQUIRE(embedder.embed(tokens, y.data()));
    return y;
}

// The recommended tolerance: each element, and the angle.
void check_row(std::span<const float> got, std::span<const float> expected, double tolerance = 1e-5) {
    REQUIRE(got.size() == expected.size());
    double product = 0;
    double norm_got = 0;
    double norm_expected = 0;
    double worst = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double a = got[i];
        const double b = expected[i];
        worst = std::max(worst, std::isnan(a) ? 1e9 : std::abs(a - b));
        product += a * b;
        norm_got += a * a;
        norm_expected += b * b;
    }
    CHECK(worst <= tolerance);
    CHECK(product / std::sqrt(norm_got * norm_expected) >= 1 - 1e-6);
}

bool same(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

std::unique_ptr<linnet::Model> open(const Bytes& bytes) { return runner::open(runner::make_engine(), bytes); }

template <class F>
std::string message(Status status, F f) {
    try {
        f();
    } catch (const linnet::Error& error) {
        CHECK(error.status() == status);
        return error.what();
    }
    return "nothing was thrown";
}

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Seeded values in -0.3 .. 0.3.
Rewrite::Tensor random_tensor(const std::string& name, std::vector<std::uint64_t> shape) {
    std::size_t n = 1;
    for (const std::uint64_t d : shape) n *= d;
    std::vector<float> values(n);
    std::uint32_t state = 12345 + static_cast<std::uint32_t>(name.size());
    for (float& v : values) {
        state = state * 1664525U + 1013904223U;
        v = (static_cast<float>(state >> 8) / 16777216.0F - 0.5F) * 0.6F;
    }
    const auto bytes = std::as_bytes(std::span(values));
    return {name, linnet::gguf::find_type("F32")->type, std::move(shape), {bytes.begin(), bytes.end()}};
}

}  // namespace

TEST_CASE("embeddings: states of all tokens and the pooled vector, against the goldens") {
    for_each_embedding([](const std::string&, const Golden& golden) {
        REQUIRE(golden.kind == golden::Kind::embedding);
        REQUIRE(golden.n_rows == golden.tokens.size() + 1);
        const auto model = runner::open(runner::make_engine(), golden.model.string());
        const auto states = embed(*model, golden.tokens, Pooling::none);
        for (std::size_t i = 0; i < golden.tokens.size(); ++i) {
            CAPTURE(i);
            check_row(std::span(states).subspan(i * golden.n_cols, golden.n_cols), golden.row(i));
        }
        REQUIRE(model->spec().pooling != Pooling::none);
        check_row(embed(*model, golden.tokens, model->spec().pooling), golden.row(golden.tokens.size()));
    });
}

TEST_CASE("embeddings: the reference model agrees with the goldens") {
    for_each_embedding([](const std::string&, const Golden& golden) {
        const reference::Model model(golden.model.string());
        const auto states = model.states(golden.tokens);
        for (std::size_t i = 0; i < golden.tokens.size(); ++i) {
            check_row(std::span(states).subspan(i * golden.n_cols, golden.n_cols), golden.row(i));
        }
        check_row(model.vector(golden.tokens), golden.row(golden.tokens.size()));
    });
}

TEST_CASE("embeddings: same bits over instruction sets, threads, weights and neighbours") {
    for_each_embedding([](const std::string& name, const Golden& golden) {
        const auto plain = runner::open(runner::make_engine(1, "scalar"), golden.model.string());
        const Pooling pooling = plain->spec().pooling;
        const auto states = embed(*plain, golden.tokens, Pooling::none);
        const auto vector = embed(*plain, golden.tokens, pooling);
        const auto tokens = std::span(golden.tokens);
        const auto half = embed(*plain, tokens.first(tokens.size() / 2), pooling);
        const auto isas = linnet::kernels::available_isas();
        for (std::size_t i = 0; i < isas.n; ++i) {
            for (const std::uint32_t n_threads : {1U, 3U}) {
                for (const bool mapped : {false, true}) {
                    CAPTURE(std::string(isas.names[i]));
                    CAPTURE(n_threads);
                    CAPTURE(mapped);
                    const auto model =
                        runner::open(runner::make_engine(n_threads, isas.names[i]), golden.model.string(), mapped);
                    CHECK(same(embed(*model, tokens, Pooling::none), states));
                    // More room than the text needs, and another text before it.
                    Embedder embedder(*model, Embedder::context(model->spec(), 0),
                                      static_cast<std::uint32_t>(tokens.size()) + 30, pooling);
                    std::vector<float> y(vector.size());
                    for (const auto& [text, expected] : {std::pair(tokens, std::span(vector)),
                                                         std::pair(tokens.first(tokens.size() / 2), std::span(half)),
                                                         std::pair(tokens, std::span(vector))}) {
                        REQUIRE(embedder.embed(text, y.data()));
                        CHECK(same(y, expected));
                    }
                }
            }
        }
        if (name == "qwen3_embedding") CHECK_FALSE(plain->spec().bidirectional);
    });
}

TEST_CASE("embeddings: texts longer than a pass and a span of positions") {
    // A decoder's text of several passes gives what one pass of all states gives; an encoder's is one pass over three
    // spans of 512 keys, which the reference model computes in double.
    for (const char* name : {"qwen3_embedding", "embeddinggemma", "nomic_bert"}) {
        CAPTURE(std::string(name));
        const auto folder = golden::find(name);
        if (!folder) {
            MESSAGE("skipped: no golden " << std::string(name));
            continue;
        }
        const Golden golden = golden::load(*folder);
        std::vector<Token> tokens;
        for (std::size_t i = 0; i < 1100; ++i) tokens.push_back(golden.tokens[i * i % golden.tokens.size()]);
        const auto model = runner::open(runner::make_engine(2), golden.model.string());
        Embedder embedder(*model, 1100, 1100, Pooling::mean);
        std::vector<float> y(golden.n_cols);
        REQUIRE(embedder.embed(tokens, y.data()));
        linnet::PassShape shape{1100, 1100, 1, linnet::KvType::f32};
        shape.states = true;
        linnet::Forward forward(*model, shape);
        forward.begin(tokens, 0, 1100);
        REQUIRE(forward.run(linnet::Stop{}) == linnet::Forward::Outcome::done);
        std::vector<float> whole(golden.n_cols);
        for (std::size_t d = 0; d < golden.n_cols; ++d) {
            double sum = 0;
            for (std::size_t t = 0; t < 1100; ++t) sum += static_cast<double>(forward.states()[t * golden.n_cols + d]);
            whole[d] = static_cast<float>(sum / 1100);
        }
        CHECK(same(y, whole));
        const auto expected = reference::Model(golden.model.string()).states(tokens);
        for (const std::size_t t : {std::size_t{0}, std::size_t{511}, std::size_t{512}, std::size_t{1099}}) {
            check_row(forward.states().subspan(t * golden.n_cols, golden.n_cols),
                      std::span(expected).subspan(t * golden.n_cols, golden.n_cols), 5e-5);
        }
    }
}

TEST_CASE("embeddings: classifiers and dense layers, against the reference model") {
    struct Case {
        const char* golden;
        std::uint32_t pooling;
        std::vector<Rewrite::Tensor> tensors;
    };
    for (const Case& c : std::vector<Case>{
             // As rankers of the RoBERTa kind, of the BERT kind, and Qwen3-Reranker.
             {"bert_cls",
              4,
              {random_tensor("cls.weight", {48, 48}), random_tensor("cls.bias", {48}),
               random_tensor("cls.output.weight", {48, 1}), random_tensor("cls.output.bias", {1})}},
             {"bert", 4, {random_tensor("cls.output.weight", {48, 3}), random_tensor("cls.output.bias", {3})}},
             {"qwen3_embedding", 4, {random_tensor("cls.output.weight", {48, 2})}},
             {"embeddinggemma",
              1,
              {random_tensor("dense_2.weight", {48, 200}), random_tensor("dense_3.weight", {200, 48})}},
         }) {
        CAPTURE(std::string(c.golden));
        const auto folder = golden::find(c.golden);
        if (!folder) {
            MESSAGE("skipped: no golden " << std::string(c.golden));
            continue;
        }
        const Golden golden = golden::load(*folder);
        const Bytes bytes = fixtures::read(golden.model);
        Rewrite rewrite(bytes);
        const std::string key = std::string(*rewrite.file().string("general.architecture")) + ".pooling_type";
        rewrite.u32(key, c.pooling);
        for (const Rewrite::Tensor& tensor : c.tensors) rewrite.add_tensor(tensor);
        const Temporary folder_of_file;
        const Bytes changed = rewrite.bytes();
        const std::string path = folder_of_file.path("model.gguf");
        folder_of_file.write(path, changed);
        const auto model = open(changed);
        const Pooling pooling = model->spec().pooling;
        const auto got = embed(*model, golden.tokens, pooling);
        const auto expected = reference::Model(path).vector(golden.tokens);
        REQUIRE(got.size() == expected.size());
        for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got[i] - expected[i]) <= 2e-5F);
        for (const auto isa : {"scalar", ""}) {
            const auto other = runner::open(runner::make_engine(3, isa), path, true);
            CHECK(same(embed(*other, golden.tokens, pooling), got));
        }
    }
}

TEST_CASE("embeddings: what cannot be is refused by name") {
    const auto folder = golden::find("bert");
    if (!folder) {
        MESSAGE("skipped: no golden bert");
        return;
    }
    const Golden golden = golden::load(*folder);
    const Bytes bytes = fixtures::read(golden.model);
    const auto model = std::shared_ptr<linnet::Model>(open(bytes));
    CHECK(mentions(message(Status::unsupported, [&] { linnet::Session session(model, {}); }), "bert"));
    CHECK(mentions(message(Status::unsupported, [&] { Embedder::vector_size(model->spec(), Pooling::rank); }),
                   "'cls.output.weight'"));
    CHECK(mentions(message(Status::invalid_argument, [&] { Embedder::context(model->spec(), 129); }), "128"));
    CHECK(mentions(message(Status::bad_file, [&] { open(Rewrite(bytes).u32("bert.pooling_type", 4).bytes()); }),
                   "'cls.output.weight'"));
    CHECK(mentions(message(Status::bad_file, [&] { open(Rewrite(bytes).u32("bert.pooling_type", 5).bytes()); }),
                   "'bert.pooling_type'"));
    CHECK(mentions(
        message(Status::bad_file, [&] { open(Rewrite(bytes).drop_tensor("blk.1.layer_output_norm.bias").bytes()); }),
        "'blk.1.layer_output_norm.bias'"));
}

TEST_CASE("towers: those in a text model's file are ignored and named; a file of its own is refused") {
    const Golden golden = golden::load(*golden::find("gemma3"));
    const Bytes bytes = fixtures::read(golden.model);
    Rewrite rewrite(bytes);
    rewrite.add_tensor(random_tensor("v.blk.0.attn_q.weight", {32, 32}))
        .add_tensor(random_tensor("v.patch_embd.bias", {7}))
        .add_tensor(random_tensor("mm.input_projection.weight", {32, 32}))
        .add_tensor(random_tensor("a.blk.0.ln1.weight", {3}));
    const Bytes with_towers = rewrite.bytes();
    linnet::EngineOptions options;
    options.n_threads = 1;
    std::string log;
    options.log.user = &log;
    options.log.sink = [](void* user, std::int32_t, const char* text, std::size_t size) {
        static_cast<std::string*>(user)->append(text, size).append("\n");
    };
    auto engine = std::make_shared<linnet::Engine>(options);
    auto file = gguf_test::open(linnet::Source::from_memory(with_towers), engine->memory);
    const linnet::Model model(engine, std::move(file), {});
    for (const char* part : {"vision tower", "2 tensors 'v.*'", "audio tower", "projector"}) {
        CHECK(mentions(log, part));
    }
    const auto plain = open(bytes);
    const auto n = static_cast<std::uint32_t>(golden.tokens.size());
    linnet::Forward with(model, runner::shape(n, 0, linnet::KvType::f32));
    linnet::Forward without(*plain, runner::shape(n, 0, linnet::KvType::f32));
    CHECK(same(runner::logits(with, golden.tokens), runner::logits(without, golden.tokens)));

    CHECK(
        mentions(message(Status::bad_file, [&] { open(Rewrite(bytes).add_tensor(random_tensor("w.x", {3})).bytes()); }),
                 "'w.x'"));
    CHECK(mentions(message(Status::unsupported, [&] { open(Rewrite(bytes).architecture("clip").bytes()); }), "tower"));
}
