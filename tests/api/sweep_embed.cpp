// SPDX-License-Identifier: MIT
// The exports of embedding: on a decoder, with a pooling given.
#include "api/sweep.hpp"

using namespace sweep;

void sweep::add_embed(Table& table) {
    table["linnet_embed_options_init"] = [](Sweep&) { check_init(linnet_embed_options_init); };
    table["linnet_embed"] = [](Sweep& s) {
        auto info = sized<linnet_model_info>();
        REQUIRE(linnet_model_get_info(s.model, &info, nullptr) == LINNET_OK);
        CHECK(info.n_embedding == info.d_model);
        CHECK(info.pooling == LINNET_POOLING_NONE);
        CHECK(info.bidirectional == 0);
        const linnet_text texts[] = {{"a b c", 5}, {"d", 1}};
        std::vector<float> vectors(2 * info.n_embedding + 1, 7.0F);
        std::size_t n = 9;
        auto mean = sized<linnet_embed_options>();
        mean.pooling = LINNET_POOLING_MEAN;
        const auto embed = [&](const linnet_embed_options& options) {
            return [&, options](linnet_error* e) {
                return linnet_embed(s.model, &options, texts, 2, vectors.data(), vectors.size(), &n, e);
            };
        };
        s.refuses("model", [&](linnet_error* e) {
            return linnet_embed(nullptr, &mean, texts, 2, vectors.data(), vectors.size(), &n, e);
        });
        CHECK(n == 0);
        s.refuses("n_floats", [&](linnet_error* e) {
            return linnet_embed(s.model, &mean, texts, 2, vectors.data(), vectors.size(), nullptr, e);
        });
        s.refuses("texts", [&](linnet_error* e) {
            return linnet_embed(s.model, &mean, nullptr, 2, vectors.data(), vectors.size(), &n, e);
        });
        s.refuses("texts", [&](linnet_error* e) {
            return linnet_embed(s.model, &mean, texts, SIZE_MAX, vectors.data(), vectors.size(), &n, e);
        });
        s.refuses("vectors",
                  [&](linnet_error* e) { return linnet_embed(s.model, &mean, texts, 2, nullptr, 1, &n, e); });
        s.refuses("vectors", [&](linnet_error* e) {
            return linnet_embed(s.model, &mean, texts, 2, vectors.data(), SIZE_MAX, &n, e);
        });
        const linnet_text nothing[] = {{"a", 1}, {nullptr, 3}};
        s.refuses("texts[1]", [&](linnet_error* e) {
            return linnet_embed(s.model, &mean, nothing, 2, vectors.data(), vectors.size(), &n, e);
        });
        s.refuses("pooling", embed(sized<linnet_embed_options>()));  // the file names none
        s.refuses("pooling", [&](linnet_error* e) {
            return linnet_embed(s.model, nullptr, texts, 2, vectors.data(), vectors.size(), &n, e);
        });
        for (const std::int32_t pooling : kInts) {
            auto options = mean;
            options.pooling = pooling;
            s.refuses("pooling", embed(options));
        }
        auto options = mean;
        options.pooling = LINNET_POOLING_RANK;
        s.refuses("cls.output.weight", embed(options), LINNET_ERROR_UNSUPPORTED);
        options = mean;
        options.flags = 4;
        s.refuses("flags", embed(options));
        options = mean;
        options.n_ctx = UINT32_MAX;
        s.refuses("n_ctx", embed(options));
        options = mean;
        options.n_ctx = 2;
        s.refuses("texts[0]", embed(options), LINNET_ERROR_CONTEXT_FULL);
        const linnet_text empty[] = {{"x", 1}, {nullptr, 0}};
        options = mean;
        options.flags = LINNET_TOKENIZE_NO_SPECIAL;
        s.refuses("texts[1]", [&](linnet_error* e) {
            return linnet_embed(s.model, &options, empty, 2, vectors.data(), vectors.size(), &n, e);
        });
        for (const std::size_t capacity : {std::size_t{0}, vectors.size() - 2}) {
            s.refuses(
                "vectors",
                [&](linnet_error* e) {
                    return linnet_embed(s.model, &mean, texts, 2, vectors.data(), capacity, &n, e);
                },
                LINNET_ERROR_BUFFER_TOO_SMALL);
            CHECK(n == vectors.size() - 1);
        }
        for (const float value : vectors) CHECK(value == 7.0F);
        options = mean;
        options.progress = [](void*, std::uint64_t done, std::uint64_t total) -> std::int32_t {
            CHECK(total == 2);
            return done == 1 ? 1 : 0;
        };
        s.refuses("progress", embed(options), LINNET_ERROR_CANCELLED);
        s.option_sizes<linnet_embed_options>(
            "linnet_embed_options", 8, mean, [&](const linnet_embed_options* given, linnet_error* e) {
                return linnet_embed(s.model, given, texts, 2, vectors.data(), vectors.size(), &n, e);
            });
        CHECK(embed(mean)(nullptr) == LINNET_OK);
        CHECK(n == vectors.size() - 1);
        CHECK(vectors.back() == 7.0F);
        CHECK(linnet_embed(s.model, &mean, nullptr, 0, nullptr, 0, &n, nullptr) == LINNET_OK);
        CHECK(n == 0);
    };
}
