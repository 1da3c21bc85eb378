// SPDX-License-Identifier: MIT
// linnet_model: opening it from a path, a buffer or the host's callbacks, and what can be asked of it.
#include <algorithm>
#include <cstring>

#include "bindings/c/embed.hpp"
#include "bindings/c/handles.hpp"
#include "bindings/c/metadata.hpp"
#include "bindings/c/structs.hpp"
#include "bindings/c/texts.hpp"

namespace linnet::c_api {

namespace {

constexpr std::uint32_t kMaxSources = 65535;  // splits are numbered in 16 bits

// The name of the tensor type that takes the most bytes.
std::string_view main_format(const gguf::File& file) {
    struct Share {
        gguf::TensorType type;
        std::uint64_t bytes;
    };
    std::vector<Share> shares;  // a file has few types
    const Share* most = nullptr;
    for (const auto& tensor : file.tensors()) {
        auto share = shares.begin();
        while (share != shares.end() && share->type != tensor.type) ++share;
        if (share == shares.end()) share = shares.insert(share, {tensor.type, 0});
        share->bytes += tensor.size;
    }
    for (const Share& share : shares) {
        if (most == nullptr || share.bytes > most->bytes) most = &share;
    }
    return most == nullptr ? std::string_view("") : gguf::find_type(most->type)->name;
}

bool read_host_bytes(void* user, std::uint64_t offset, void* target, std::size_t size) {
    const auto& host = *static_cast<const HostBytes*>(user);
    if (host.data == nullptr) return host.read_at(host.user, offset, target, size) == 0;
    std::memcpy(target, host.data + offset, size);
    return true;
}

// Packed weights leave nothing behind in the host's bytes, so these need not outlive the call: they are only read,
// never pointed into.
gguf::File open_host_bytes(std::pmr::vector<HostBytes>& hosts, bool mapped, Memory& memory) {
    std::vector<Source> sources;
    for (HostBytes& host : hosts) {
        sources.push_back(Source::from_callbacks(host.size, read_host_bytes, &host, mapped ? host.data : nullptr));
    }
    return gguf::File::open(std::move(sources), memory);
}

void load(linnet_engine* engine, std::pmr::vector<HostBytes> hosts, gguf::File file, const ModelArguments& arguments,
          linnet_model** model) {
    const FloatEnvironment environment;
    std::shared_ptr<const LoadedModel> loaded =
        make_shared_in<LoadedModel>(engine->engine, engine->engine, std::move(hosts), std::move(file), arguments.load);
    *model = make_handle<linnet_model>(engine->engine, std::move(loaded));
}

// Sources of an older or newer header lie struct_size bytes apart.
linnet_source read_source(const linnet_source* sources, std::size_t index) {
    const std::uint32_t stride = sources->struct_size;
    const auto* bytes = reinterpret_cast<const std::byte*>(sources) + index * stride;
    const auto* at = reinterpret_cast<const linnet_source*>(bytes);
    require(at->struct_size == stride, "sources[{}].struct_size is {}, that of the first {}", index, at->struct_size,
            stride);
    const linnet_source source = read_struct(at);
    require(source.data != nullptr || source.read_at != nullptr, "sources[{}] has neither read_at nor data", index);
    require(source.reserved == 0, "sources[{}].reserved is not zero", index);
    return source;
}

const gguf::File& file_of(const linnet_model* model) {
    require_pointer(model, "model");
    return model->loaded->model.file();
}

}  // namespace

ModelTexts::ModelTexts(const gguf::File& file, Memory& memory)
    : architecture(file.string("general.architecture").value_or(""), &memory),
      name(file.string("general.name").value_or(""), &memory),
      format(main_format(file)) {}

ModelArguments model_arguments(const linnet_model_options* given) {
    const auto options = read_options(given);
    require(options.weights == LINNET_WEIGHTS_PACKED || options.weights == LINNET_WEIGHTS_MAPPED,
            "linnet_model_options: weights is {}, no LINNET_WEIGHTS_*", options.weights);
    require(options.reserved == 0, "linnet_model_options: reserved is not zero");
    const bool mapped = options.weights == LINNET_WEIGHTS_MAPPED;
    require(!mapped || options.no_map == 0, "linnet_model_options: no_map contradicts weights = LINNET_WEIGHTS_MAPPED");
    ModelArguments arguments;
    arguments.load.mapped = mapped;
    arguments.load.progress = options.progress;
    arguments.load.progress_user = options.progress_user;
    arguments.map = options.no_map == 0;
    return arguments;
}

std::uint64_t model_overhead(const gguf::File& file) {
    Memory counting;
    const ModelTexts texts(file, counting);
    return counting.used() + shared_size<LoadedModel>() + sizeof(linnet_model);
}

}  // namespace linnet::c_api

using namespace linnet;
using namespace linnet::c_api;

void linnet_model_options_init(linnet_model_options* options, uint32_t struct_size) {
    init_struct(options, struct_size);
}

linnet_status linnet_model_load(linnet_engine* engine, const char* path, const linnet_model_options* options,
                                linnet_model** model, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(model, "model");
        *model = nullptr;
        require_pointer(engine, "engine");
        require_pointer(path, "path");
        const ModelArguments arguments = model_arguments(options);
        Memory& memory = engine->engine->memory;
        load(engine, std::pmr::vector<HostBytes>(&memory), gguf::File::open(path, arguments.map, memory), arguments,
             model);
    });
}

linnet_status linnet_model_load_buffer(linnet_engine* engine, const void* data, uint64_t size,
                                       const linnet_model_options* options, linnet_model** model, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(model, "model");
        *model = nullptr;
        require_pointer(engine, "engine");
        require_pointer(data, "data");
        require(size <= PTRDIFF_MAX, "size, {}, is larger than any object", size);
        const ModelArguments arguments = model_arguments(options);
        Memory& memory = engine->engine->memory;
        std::pmr::vector<HostBytes> hosts(&memory);
        hosts.push_back({size, nullptr, static_cast<const std::byte*>(data), nullptr});
        gguf::File file = open_host_bytes(hosts, arguments.load.mapped, memory);
        load(engine, std::move(hosts), std::move(file), arguments, model);
    });
}

linnet_status linnet_model_load_sources(linnet_engine* engine, const linnet_source* sources, uint32_t n_sources,
                                        const linnet_model_options* options, linnet_model** model,
                                        linnet_error* error) {
    return guard(error, [&] {
        require_pointer(model, "model");
        *model = nullptr;
        require_pointer(engine, "engine");
        require_pointer(sources, "sources");
        require(n_sources >= 1 && n_sources <= kMaxSources, "n_sources is {}, not in 1 .. {}", n_sources, kMaxSources);
        const ModelArguments arguments = model_arguments(options);
        Memory& memory = engine->engine->memory;
        std::pmr::vector<HostBytes> hosts(&memory);
        for (std::uint32_t i = 0; i < n_sources; ++i) {
            const linnet_source source = read_source(sources, i);
            require(source.data != nullptr || !arguments.load.mapped,
                    "sources[{}] has no data, which weights = LINNET_WEIGHTS_MAPPED needs", i);
            hosts.push_back({source.size, source.read_at, static_cast<const std::byte*>(source.data), source.user});
        }
        gguf::File file = open_host_bytes(hosts, arguments.load.mapped, memory);
        load(engine, std::move(hosts), std::move(file), arguments, model);
    });
}

void linnet_model_destroy(linnet_model* model) { destroy_handle(model); }

linnet_status linnet_model_get_info(const linnet_model* model, linnet_model_info* info, linnet_error* error) {
    return guard(error, [&] {
        const gguf::File& file = file_of(model);
        require_output(info, "info");
        const LoadedModel& loaded = *model->loaded;
        const arch::ModelSpec& spec = loaded.model.spec();
        // The first with attention: recurrent ones have no heads.
        const auto attends = [](const arch::LayerSpec& l) { return l.n_heads != 0; };
        const auto found = std::find_if(spec.layers.begin(), spec.layers.end(), attends);
        const arch::LayerSpec layer = found == spec.layers.end() ? arch::LayerSpec{} : *found;
        linnet_model_info result{};
        result.n_layers = static_cast<std::uint32_t>(spec.layers.size());
        result.d_model = spec.d_model;
        result.n_heads = layer.n_heads;
        result.n_kv_heads = layer.n_kv_heads;
        result.head_dim = layer.head_dim;
        result.d_ff = layer.d_ff;
        result.n_vocab = spec.n_vocab;
        result.n_ctx_train = spec.n_ctx_train;
        result.n_metadata = static_cast<std::uint32_t>(file.values().size());
        result.n_parameters = loaded.model.n_parameters();
        result.file_size = file.file_size();
        result.architecture = loaded.texts.architecture.c_str();
        result.name = loaded.texts.name.c_str();
        result.format = loaded.texts.format.data();  // of a table of literals
        const VectorInfo vectors = vector_info(spec);
        result.n_embedding = vectors.n_floats;
        result.pooling = vectors.pooling;
        result.bidirectional = spec.bidirectional ? 1 : 0;
        write_struct(info, result);
    });
}

linnet_status linnet_model_get_metadata(const linnet_model* model, const char* key, char* buffer, size_t capacity,
                                        size_t* size, linnet_error* error) {
    return guard(error, [&] {
        require_buffer(buffer, capacity, size);
        const gguf::File& file = file_of(model);
        require_pointer(key, "key");
        const gguf::Value* value = file.find(key);
        if (value == nullptr) throw Error(Status::not_found, "the model has no metadata key '{}'", key);
        std::pmr::string text(&model->engine->memory);
        append_value(*value, text);
        give_text(text, Terminated::yes, buffer, capacity, size);
    });
}

linnet_status linnet_model_get_metadata_key(const linnet_model* model, uint32_t index, char* buffer, size_t capacity,
                                            size_t* size, linnet_error* error) {
    return guard(error, [&] {
        require_buffer(buffer, capacity, size);
        const gguf::File& file = file_of(model);
        const std::size_t n = file.values().size();
        if (index >= n) throw Error(Status::not_found, "there is no metadata key {}: the model has {}", index, n);
        give_text(file.values()[index].key, Terminated::yes, buffer, capacity, size);
    });
}
