// SPDX-License-Identifier: MIT
// The exports of engines, models and plans.
#include "api/sweep.hpp"

using namespace sweep;

void sweep::add_engine(Table& table) {
    table["linnet_abi_version"] = [](Sweep&) {
        CHECK(linnet_abi_version() == (LINNET_ABI_MAJOR << 16 | LINNET_ABI_MINOR));
    };
    table["linnet_version"] = [](Sweep&) { CHECK(std::strlen(linnet_version()) >= 5); };
    table["linnet_status_name"] = [](Sweep&) {
        std::set<std::string> names;
        for (linnet_status status = LINNET_OK; status <= LINNET_ERROR_INTERNAL; ++status) {
            names.insert(linnet_status_name(status));
        }
        CHECK(names.size() == 13);
        CHECK(names.count("LINNET_ERROR_IO") == 1);
        for (const linnet_status status : {INT_MIN, -1, LINNET_ERROR_INTERNAL + 1, INT_MAX}) {
            CHECK(std::string(linnet_status_name(status)) == "unknown status");
        }
    };
    table["linnet_engine_options_init"] = [](Sweep&) { check_init(linnet_engine_options_init); };
    table["linnet_engine_create"] = [](Sweep& s) {
        linnet_engine* made = nullptr;
        const auto create = [&](const linnet_engine_options& options) {
            return [&made, options](linnet_error* e) {
                made = reinterpret_cast<linnet_engine*>(&made);
                const linnet_status status = linnet_engine_create(&options, &made, e);
                CHECK(made == nullptr);
                return status;
            };
        };
        s.refuses("engine", [](linnet_error* e) { return linnet_engine_create(nullptr, nullptr, e); });
        s.option_sizes<linnet_engine_options>("linnet_engine_options", 8, sized<linnet_engine_options>(),
                                              [](const linnet_engine_options* options, linnet_error* e) {
                                                  linnet_engine* engine = nullptr;
                                                  const auto status = linnet_engine_create(options, &engine, e);
                                                  linnet_engine_destroy(engine);
                                                  return status;
                                              });
        for (const std::uint32_t n : {1025U, 1000000U, UINT32_MAX}) {
            auto options = sized<linnet_engine_options>();
            options.n_threads = n;
            s.refuses("n_threads", create(options));
        }
        auto options = sized<linnet_engine_options>();
        options.alloc = [](void*, std::size_t, std::size_t) -> void* { return nullptr; };
        s.refuses("free", create(options));
        options.alloc = nullptr;
        options.free = [](void*, void*, std::size_t, std::size_t) {};
        s.refuses("alloc", create(options));
        options.alloc = [](void*, std::size_t, std::size_t) -> void* { return nullptr; };
        s.refuses("memory", create(options), LINNET_ERROR_OUT_OF_MEMORY);
        options = sized<linnet_engine_options>();
        options.memory_limit = 1;
        s.refuses("limit", create(options), LINNET_ERROR_OUT_OF_MEMORY);
        options = sized<linnet_engine_options>();
        options.isa = "";
        s.refuses("isa", create(options));
        for (const char* isa : {"avx9000", "AVX2", "scalar ", "\xff\xfe"}) {
            options.isa = isa;
            s.refuses("", create(options), LINNET_ERROR_UNSUPPORTED);
        }
    };
    table["linnet_engine_destroy"] = [](Sweep&) { linnet_engine_destroy(nullptr); };
    table["linnet_engine_get_info"] = [](Sweep& s) {
        auto info = sized<linnet_engine_info>();
        s.refuses("engine", [&](linnet_error* e) { return linnet_engine_get_info(nullptr, &info, e); });
        s.refuses("info", [&](linnet_error* e) { return linnet_engine_get_info(s.engine, nullptr, e); });
        s.output_sizes<linnet_engine_info>("linnet_engine_info", 8, [&](linnet_engine_info* out, linnet_error* e) {
            return linnet_engine_get_info(s.engine, out, e);
        });
        REQUIRE(linnet_engine_get_info(s.engine, &info, nullptr) == LINNET_OK);
        CHECK(info.n_threads >= 1);
        CHECK(std::string(info.isas).find("scalar") != std::string::npos);
        CHECK(std::string(info.isas).find(info.isa) != std::string::npos);
        CHECK(info.memory_peak >= info.memory_used);
    };
}

void sweep::add_model(Table& table) {
    table["linnet_model_options_init"] = [](Sweep&) { check_init(linnet_model_options_init); };
    table["linnet_model_load"] = [](Sweep& s) {
        linnet_model* made = nullptr;
        const char* path = s.path_.c_str();
        s.refuses("model", [&](linnet_error* e) { return linnet_model_load(s.engine, path, nullptr, nullptr, e); });
        s.refuses("engine", [&](linnet_error* e) { return linnet_model_load(nullptr, path, nullptr, &made, e); });
        s.refuses("path", [&](linnet_error* e) { return linnet_model_load(s.engine, nullptr, nullptr, &made, e); });
        s.refuses(
            "/no/such/file.gguf",
            [&](linnet_error* e) { return linnet_model_load(s.engine, "/no/such/file.gguf", nullptr, &made, e); },
            LINNET_ERROR_NOT_FOUND);
        s.refuses(
            "/tmp", [&](linnet_error* e) { return linnet_model_load(s.engine, "/tmp", nullptr, &made, e); },
            LINNET_ERROR_IO);
        s.option_sizes<linnet_model_options>("linnet_model_options", 8, sized<linnet_model_options>(),
                                             [&](const linnet_model_options* options, linnet_error* e) {
                                                 linnet_model* model = nullptr;
                                                 const auto status =
                                                     linnet_model_load(s.engine, path, options, &model, e);
                                                 linnet_model_destroy(model);
                                                 return status;
                                             });
        for (const std::int32_t weights : {INT_MIN, -1, 2, INT_MAX}) {
            auto options = sized<linnet_model_options>();
            options.weights = weights;
            s.refuses("weights",
                      [&](linnet_error* e) { return linnet_model_load(s.engine, path, &options, &made, e); });
        }
        auto options = sized<linnet_model_options>();
        options.reserved = 1;
        s.refuses("reserved", [&](linnet_error* e) { return linnet_model_load(s.engine, path, &options, &made, e); });
        options = sized<linnet_model_options>();
        options.weights = LINNET_WEIGHTS_MAPPED;
        options.no_map = 1;
        s.refuses("no_map", [&](linnet_error* e) { return linnet_model_load(s.engine, path, &options, &made, e); });
        CHECK(made == nullptr);
    };
    table["linnet_model_load_buffer"] = [](Sweep& s) {
        linnet_model* made = nullptr;
        const char bytes[] = "GGUF\x03\0\0\0 and then nothing that makes sense";
        s.refuses("model", [&](linnet_error* e) {
            return linnet_model_load_buffer(s.engine, bytes, sizeof bytes, nullptr, nullptr, e);
        });
        s.refuses("engine", [&](linnet_error* e) {
            return linnet_model_load_buffer(nullptr, bytes, sizeof bytes, nullptr, &made, e);
        });
        s.refuses("data", [&](linnet_error* e) {
            return linnet_model_load_buffer(s.engine, nullptr, sizeof bytes, nullptr, &made, e);
        });
        s.refuses("size", [&](linnet_error* e) {
            return linnet_model_load_buffer(s.engine, bytes, UINT64_MAX, nullptr, &made, e);
        });
        for (std::size_t size = 0; size < sizeof bytes; ++size) {
            s.refuses(
                "", [&](linnet_error* e) { return linnet_model_load_buffer(s.engine, bytes, size, nullptr, &made, e); },
                LINNET_ERROR_BAD_FILE);
        }
        CHECK(made == nullptr);
    };
    table["linnet_model_load_sources"] = [](Sweep& s) {
        linnet_model* made = nullptr;
        static const char bytes[64] = "GGUF";
        auto source = sized<linnet_source>();
        source.size = sizeof bytes;
        source.data = bytes;
        const auto load = [&](const linnet_source* sources, std::uint32_t n, linnet_error* e) {
            return linnet_model_load_sources(s.engine, sources, n, nullptr, &made, e);
        };
        s.refuses("model", [&](linnet_error* e) {
            return linnet_model_load_sources(s.engine, &source, 1, nullptr, nullptr, e);
        });
        s.refuses("engine",
                  [&](linnet_error* e) { return linnet_model_load_sources(nullptr, &source, 1, nullptr, &made, e); });
        s.refuses("sources", [&](linnet_error* e) { return load(nullptr, 1, e); });
        for (const std::uint32_t n : {0U, 65536U, UINT32_MAX}) {
            s.refuses("n_sources", [&](linnet_error* e) { return load(&source, n, e); });
        }
        for (const std::uint32_t size : {0U, 8U, 36U, 41U, 4097U, UINT32_MAX}) {
            source.struct_size = size;
            s.refuses("linnet_source", [&](linnet_error* e) { return load(&source, 1, e); });
        }
        source = sized<linnet_source>();
        source.size = sizeof bytes;
        s.refuses("read_at", [&](linnet_error* e) { return load(&source, 1, e); });
        source.data = bytes;
        source.reserved = 1;
        s.refuses("reserved", [&](linnet_error* e) { return load(&source, 1, e); });
        source.reserved = 0;
        linnet_source two[2] = {source, source};
        two[1].struct_size = 48;
        s.refuses("struct_size", [&](linnet_error* e) { return load(two, 2, e); });
        source.data = nullptr;
        source.read_at = [](void*, std::uint64_t, void*, std::size_t) -> std::int32_t { return -1; };
        s.refuses(
            "read", [&](linnet_error* e) { return load(&source, 1, e); }, LINNET_ERROR_IO);
        auto options = sized<linnet_model_options>();
        options.weights = LINNET_WEIGHTS_MAPPED;
        s.refuses("data",
                  [&](linnet_error* e) { return linnet_model_load_sources(s.engine, &source, 1, &options, &made, e); });
        CHECK(made == nullptr);
    };
    table["linnet_model_destroy"] = [](Sweep&) { linnet_model_destroy(nullptr); };
    table["linnet_model_get_info"] = [](Sweep& s) {
        auto info = sized<linnet_model_info>();
        s.refuses("model", [&](linnet_error* e) { return linnet_model_get_info(nullptr, &info, e); });
        s.refuses("info", [&](linnet_error* e) { return linnet_model_get_info(s.model, nullptr, e); });
        s.output_sizes<linnet_model_info>("linnet_model_info", 8, [&](linnet_model_info* out, linnet_error* e) {
            return linnet_model_get_info(s.model, out, e);
        });
    };
    table["linnet_model_get_metadata"] = [](Sweep& s) {
        char buffer[8];
        std::size_t size = 1;
        s.refuses("model", [&](linnet_error* e) {
            return linnet_model_get_metadata(nullptr, "general.architecture", buffer, 8, &size, e);
        });
        s.refuses("key",
                  [&](linnet_error* e) { return linnet_model_get_metadata(s.model, nullptr, buffer, 8, &size, e); });
        for (const char* key : {"", "no.such.key", "general.architecture ", "\xff"}) {
            s.refuses(
                key, [&](linnet_error* e) { return linnet_model_get_metadata(s.model, key, buffer, 8, &size, e); },
                LINNET_ERROR_NOT_FOUND);
        }
        const std::string long_key(100000, 'k');
        s.refuses(
            "kkk",
            [&](linnet_error* e) { return linnet_model_get_metadata(s.model, long_key.c_str(), buffer, 8, &size, e); },
            LINNET_ERROR_NOT_FOUND);
        check_text(s, true, [&](char* out, std::size_t capacity, std::size_t* n, linnet_error* e) {
            return linnet_model_get_metadata(s.model, "general.architecture", out, capacity, n, e);
        });
    };
    table["linnet_model_get_metadata_key"] = [](Sweep& s) {
        char buffer[8];
        std::size_t size = 1;
        s.refuses("model",
                  [&](linnet_error* e) { return linnet_model_get_metadata_key(nullptr, 0, buffer, 8, &size, e); });
        for (const std::uint32_t index : {s.n_metadata, s.n_metadata + 1, std::uint32_t{INT_MAX}, UINT32_MAX}) {
            s.refuses(
                "key",
                [&](linnet_error* e) { return linnet_model_get_metadata_key(s.model, index, buffer, 8, &size, e); },
                LINNET_ERROR_NOT_FOUND);
        }
        check_text(s, true, [&](char* out, std::size_t capacity, std::size_t* n, linnet_error* e) {
            return linnet_model_get_metadata_key(s.model, s.n_metadata - 1, out, capacity, n, e);
        });
    };
    table["linnet_plan"] = [](Sweep& s) {
        auto plan = sized<linnet_memory_plan>();
        const char* path = s.path_.c_str();
        s.refuses("engine", [&](linnet_error* e) { return linnet_plan(nullptr, path, nullptr, nullptr, &plan, e); });
        s.refuses("path", [&](linnet_error* e) { return linnet_plan(s.engine, nullptr, nullptr, nullptr, &plan, e); });
        s.refuses("plan", [&](linnet_error* e) { return linnet_plan(s.engine, path, nullptr, nullptr, nullptr, e); });
        s.refuses(
            "/no/such", [&](linnet_error* e) { return linnet_plan(s.engine, "/no/such", nullptr, nullptr, &plan, e); },
            LINNET_ERROR_NOT_FOUND);
        s.output_sizes<linnet_memory_plan>("linnet_memory_plan", 8, [&](linnet_memory_plan* out, linnet_error* e) {
            return linnet_plan(s.engine, path, nullptr, nullptr, out, e);
        });
        auto model_options = sized<linnet_model_options>();
        model_options.weights = 2;
        s.refuses("weights",
                  [&](linnet_error* e) { return linnet_plan(s.engine, path, &model_options, nullptr, &plan, e); });
        auto session_options = sized<linnet_session_options>();
        session_options.kv_type = 3;
        s.refuses("kv_type",
                  [&](linnet_error* e) { return linnet_plan(s.engine, path, nullptr, &session_options, &plan, e); });
    };
}
