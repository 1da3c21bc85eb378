// SPDX-License-Identifier: MIT
// Where a model may come from, and what its loading reports: all ways give the same model.
#include <algorithm>
#include <cstring>
#include <set>

#include "api/api.hpp"

namespace {

struct HostFile {
    std::vector<std::byte> bytes;
    std::atomic<std::uint64_t> n_reads{0};
    std::uint64_t fail_at = 0;  // the n-th read fails; 0: none

    linnet_source source() {
        linnet_source result{};
        result.struct_size = sizeof result;
        result.size = bytes.size();
        result.user = this;
        result.read_at = [](void* user, std::uint64_t offset, void* target, std::size_t size) -> std::int32_t {
            auto& file = *static_cast<HostFile*>(user);
            if (++file.n_reads == file.fail_at) return -1;
            if (offset > file.bytes.size() || size > file.bytes.size() - offset) return -2;
            std::memcpy(target, file.bytes.data() + offset, size);
            return 0;
        };
        return result;
    }
};

linnet::ModelOptions mapped() {
    linnet::ModelOptions options;
    options.weights = LINNET_WEIGHTS_MAPPED;
    return options;
}

}  // namespace

TEST_CASE("loading: a path, a buffer and sources give the same logits, packed, mapped or read") {
    for (const auto& path : {api::tiny_model(), api::small_model()}) {
        if (!path) continue;
        linnet::Engine engine;
        const auto tokens = api::some_tokens(20);
        const auto expected = api::logits_of(linnet::Model(engine, *path), tokens);
        linnet::ModelOptions read;
        read.no_map = 1;
        CHECK(api::logits_of(linnet::Model(engine, *path, read), tokens) == expected);
        CHECK(api::logits_of(linnet::Model(engine, *path, mapped()), tokens) == expected);

        HostFile file{fixtures::read(*path)};
        const auto size = file.bytes.size();
        CHECK(api::logits_of(linnet::Model::from_buffer(engine, file.bytes.data(), size, mapped()), tokens) ==
              expected);
        linnet_source source = file.source();
        source.data = file.bytes.data();
        CHECK(api::logits_of(linnet::Model::from_sources(engine, {source}, mapped()), tokens) == expected);
        source.read_at = nullptr;
        CHECK(api::logits_of(linnet::Model::from_sources(engine, {source}, mapped()), tokens) == expected);
    }
}

TEST_CASE("loading: a packed model leaves the host's bytes alone after the call") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::Engine engine;
    const auto tokens = api::some_tokens(20);
    const auto expected = api::logits_of(linnet::Model(engine, *path), tokens);

    HostFile file{fixtures::read(*path)};
    linnet_source addressable = file.source();
    addressable.data = file.bytes.data();
    addressable.read_at = nullptr;
    const linnet::Model models[] = {linnet::Model::from_buffer(engine, file.bytes.data(), file.bytes.size()),
                                    linnet::Model::from_sources(engine, {file.source()}),
                                    linnet::Model::from_sources(engine, {addressable})};
    const std::uint64_t n_reads = file.n_reads;
    CHECK(n_reads > 0);
    std::fill(file.bytes.begin(), file.bytes.end(), std::byte{0x5a});
    for (const linnet::Model& model : models) {
        CHECK(api::logits_of(model, tokens) == expected);
        CHECK(model.metadata("general.architecture") == "llama");
        CHECK(!model.detokenize(tokens).empty());
    }
    CHECK(file.n_reads == n_reads);
}

TEST_CASE("loading: a read that fails is a status, whichever it is") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::Engine engine;
    const std::uint64_t used = engine.info().memory_used;
    HostFile file{fixtures::read(*path)};
    std::uint64_t n = 0;
    for (bool loaded = false; !loaded; ++n) {
        file.n_reads = 0;
        file.fail_at = n + 1;
        const linnet_source source = file.source();
        linnet_model* model = nullptr;
        linnet_error error = LINNET_ERROR_INIT;
        const linnet_status status = linnet_model_load_sources(engine.get(), &source, 1, nullptr, &model, &error);
        loaded = status == LINNET_OK;
        if (!loaded) {
            REQUIRE(status == LINNET_ERROR_IO);
            REQUIRE(model == nullptr);
            REQUIRE(std::string(error.text).find("read") != std::string::npos);
        }
        linnet_model_destroy(model);
        REQUIRE(engine.info().memory_used == used);
        REQUIRE(n < 100000);
    }
    MESSAGE((n - 1), " failed reads");
    CHECK(n > 1);
}

TEST_CASE("loading: progress goes from 0 to all, and can cancel") {
    const auto path = api::small_model();
    if (!path) return;
    linnet::Engine engine;
    const std::uint64_t used = engine.info().memory_used;
    struct Seen {
        std::vector<std::uint64_t> done;
        std::uint64_t total = 0;
        std::size_t cancel_at = SIZE_MAX;
    } seen;
    linnet::ModelOptions options;
    options.progress_user = &seen;
    options.progress = [](void* user, std::uint64_t done, std::uint64_t total) -> std::int32_t {
        auto& s = *static_cast<Seen*>(user);
        s.done.push_back(done);
        s.total = total;
        return s.done.size() > s.cancel_at ? 1 : 0;
    };
    { linnet::Model model(engine, *path, options); }
    REQUIRE(!seen.done.empty());
    CHECK(std::is_sorted(seen.done.begin(), seen.done.end()));
    CHECK(seen.done.back() == seen.total);
    CHECK(engine.info().memory_used == used);

    seen.done.clear();
    seen.cancel_at = 0;  // the first report
    linnet_model* model = nullptr;
    linnet_error error = LINNET_ERROR_INIT;
    CHECK(linnet_model_load(engine.get(), path->c_str(), &options, &model, &error) == LINNET_ERROR_CANCELLED);
    CHECK(std::strlen(error.text) > 0);
    CHECK(model == nullptr);
    CHECK(seen.done.size() == 1);
    CHECK(engine.info().memory_used == used);
}

TEST_CASE("loading: metadata and info") {
    const auto path = api::tiny_model();
    if (!path) return;
    linnet::Engine engine;
    linnet::Model model(engine, *path);
    const linnet_model_info info = model.info();
    CHECK(std::string(info.architecture) == "llama");
    CHECK(std::string(info.format) == "F32");
    CHECK(info.file_size == std::filesystem::file_size(*path));
    CHECK(model.metadata("general.architecture") == "llama");
    CHECK(model.metadata("llama.block_count") == std::to_string(info.n_layers));
    CHECK(model.metadata("llama.embedding_length") == std::to_string(info.d_model));
    CHECK(model.metadata("llama.attention.head_count") == std::to_string(info.n_heads));
    CHECK(model.metadata("llama.context_length") == std::to_string(info.n_ctx_train));
    CHECK(info.d_model == info.n_heads * info.head_dim);
    CHECK(info.n_vocab > 100);

    std::set<std::string> keys;
    for (std::uint32_t i = 0; i < info.n_metadata; ++i) {
        const std::string key = model.metadata_key(i);
        keys.insert(key);
        (void)model.metadata(key);
    }
    CHECK(keys.size() == info.n_metadata);
    CHECK(keys.count("general.architecture") == 1);

    // Arrays are JSON, cut after 1,000 elements.
    const std::string tokens = model.metadata("tokenizer.ggml.tokens");
    CHECK(tokens.front() == '[');
    CHECK(tokens.back() == ']');
    const std::string types = model.metadata("tokenizer.ggml.token_type");
    const auto n_commas = static_cast<std::size_t>(std::count(types.begin(), types.end(), ','));
    if (info.n_vocab > 1000) {
        CHECK(n_commas == 1000);
        CHECK(types.substr(types.size() - 7) == ",\"...\"]");
    } else {
        CHECK(n_commas + 1 == info.n_vocab);
    }
}

TEST_CASE("loading: errors name the file or the key") {
    linnet::Engine engine;
    const auto failure = [&](const std::string& path) {
        try {
            linnet::Model model(engine, path);
        } catch (const linnet::Error& error) {
            return std::make_pair(error.status(), std::string(error.what()));
        }
        return std::make_pair(linnet_status{LINNET_OK}, std::string());
    };
    const auto missing = failure(
        "/no/such/dir/m\xc3\xb6"
        "del.gguf");
    CHECK(missing.first == LINNET_ERROR_NOT_FOUND);
    CHECK(missing.second.find("/no/such/dir/m\xc3\xb6"
                              "del.gguf") != std::string::npos);
    const auto source = failure(__FILE__);
    CHECK((source.first == LINNET_ERROR_BAD_FILE || source.first == LINNET_ERROR_NOT_FOUND));

    const auto path = api::tiny_model();
    if (!path) return;
    // Damage: another architecture, and a file that ends early.
    std::vector<std::byte> bytes = fixtures::read(*path);
    const auto load = [&](std::size_t size) {
        try {
            linnet::Model::from_buffer(engine, bytes.data(), size);
        } catch (const linnet::Error& error) {
            return std::make_pair(error.status(), std::string(error.what()));
        }
        return std::make_pair(linnet_status{LINNET_OK}, std::string());
    };
    const auto cut = load(bytes.size() - 1);
    CHECK(cut.first == LINNET_ERROR_BAD_FILE);
    CHECK(cut.second.find("tensor") != std::string::npos);
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::size_t at = text.find("llama", text.find("general.architecture"));
    REQUIRE(at != std::string::npos);
    std::memcpy(bytes.data() + at, "lammy", 5);
    const auto unknown = load(bytes.size());
    CHECK(unknown.first == LINNET_ERROR_UNSUPPORTED);
    CHECK(unknown.second.find("lammy") != std::string::npos);
}
