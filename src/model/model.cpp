// SPDX-License-Identifier: MIT
#include "model/model.hpp"

#include <utility>

#include "model/unused_parts.hpp"

namespace linnet {

namespace {

const arch::ArchSpec& find_arch(const gguf::File& file) {
    const auto name = file.string("general.architecture");
    if (!name) throw Error(Status::bad_file, "key 'general.architecture' is missing");
    return arch::find(*name);
}

arch::ModelSpec read_spec(const gguf::File& file, Memory& memory) {
    const arch::ArchSpec& arch = find_arch(file);
    arch::ModelSpec spec(memory);
    spec.architecture = arch.name;
    arch.read(file, spec);
    return spec;
}

Tokenizer read_tokenizer(const gguf::File& file, const arch::ModelSpec& spec, Memory& memory, const Log& log) {
    Tokenizer tokenizer(file, memory, log);
    // Padding the embedding beyond the vocabulary is usual; the other way round there would be no row for a token.
    if (tokenizer.n_vocab() > spec.n_vocab) {
        throw Error(Status::bad_file,
                    "key 'tokenizer.ggml.tokens' has {} elements but tensor 'token_embd.weight' {} rows",
                    tokenizer.n_vocab(), spec.n_vocab);
    }
    return tokenizer;
}

}  // namespace

Model::Model(std::shared_ptr<Engine> engine, gguf::File file, const LoadOptions& options)
    : engine_(std::move(engine)),
      file_(std::move(file)),
      spec_(read_spec(file_, engine_->memory)),
      tokenizer_(read_tokenizer(file_, spec_, engine_->memory, engine_->log)),
      weights_(file_, find_arch(file_), spec_, options.mapped, engine_->kernels, engine_->workers, engine_->memory,
               {options.progress, options.progress_user}) {
    log_unused_parts(file_, spec_, engine_->log);
}

Model::Plan Model::plan(const gguf::File& file, Memory& counting, bool mapped) {
    arch::ModelSpec spec = read_spec(file, counting);
    const Tokenizer tokenizer = read_tokenizer(file, spec, counting, Log{});
    const Weights::Sizes sizes = Weights::plan(file, find_arch(file), spec, mapped);
    return {sizes.weights_bytes, counting.used() + sizes.table_bytes, tokenizer.max_piece_size(), std::move(spec)};
}

std::uint64_t Model::n_parameters() const noexcept {
    std::uint64_t n = 0;
    for (const gguf::TensorInfo& tensor : file_.tensors()) n += tensor.n_elements;
    return n;
}

}  // namespace linnet
