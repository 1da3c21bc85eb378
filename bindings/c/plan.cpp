// SPDX-License-Identifier: MIT
// linnet_plan: builds what depends on the header alone (vocabulary, tables) in memory that counts; computes the rest.
#include "bindings/c/handles.hpp"
#include "bindings/c/structs.hpp"
#include "session/embedder.hpp"

namespace linnet::c_api {

namespace {

// Counts apart from what else happens in the engine's memory, yet lies in it: the host's allocator and limit hold.
AllocatorHooks inside_of(Memory& memory) noexcept {
    AllocatorHooks hooks;
    hooks.user = &memory;
    hooks.alloc = [](void* user, std::size_t size, std::size_t align) -> void* {
        try {
            return static_cast<Memory*>(user)->allocate(size, align);
        } catch (const Error&) {
            return nullptr;
        }
    };
    hooks.free = [](void* user, void* ptr, std::size_t size, std::size_t align) {
        static_cast<Memory*>(user)->deallocate(ptr, size, align);
    };
    return hooks;
}

}  // namespace

}  // namespace linnet::c_api

using namespace linnet;
using namespace linnet::c_api;

linnet_status linnet_plan(linnet_engine* engine, const char* path, const linnet_model_options* model_options,
                          const linnet_session_options* session_options, linnet_memory_plan* plan,
                          linnet_error* error) {
    return guard(error, [&] {
        require_pointer(engine, "engine");
        require_pointer(path, "path");
        require_output(plan, "plan");
        const ModelArguments arguments = model_arguments(model_options);
        const PassShape asked = pass_shape(session_options);
        const Engine& inside = *engine->engine;

        Memory counting(inside_of(engine->engine->memory));
        const gguf::File file = gguf::File::open(path, arguments.map, counting);
        linnet_memory_plan result{};
        result.file_bytes = file.file_size();
        const std::uint64_t overhead = model_overhead(file);
        const Model::Plan model = Model::plan(file, counting, arguments.load.mapped);
        const PassShape shape = Forward::resolve(model.spec, asked);
        const std::uint32_t n_threads = inside.workers.size();
        const Forward::Sizes session = model.spec.bidirectional
                                           ? Embedder::plan(model.spec, shape.n_ctx, shape.n_ctx, n_threads)
                                           : Session::plan(model.spec, shape, n_threads, model.max_piece_size);

        result.n_ctx = shape.n_ctx;
        // Mapped: what is taken for weights are small vectors as floats.
        result.weights_bytes = arguments.load.mapped ? 0 : model.weights_bytes;
        result.metadata_bytes = model.metadata_bytes + overhead + (arguments.load.mapped ? model.weights_bytes : 0);
        result.kv_bytes = session.kv_bytes;
        result.scratch_bytes = session.scratch_bytes + (model.spec.bidirectional ? 0 : session_overhead());
        result.total_bytes = result.weights_bytes + result.metadata_bytes + result.kv_bytes + result.scratch_bytes;
        write_struct(plan, result);
    });
}
