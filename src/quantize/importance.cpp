// SPDX-License-Identifier: MIT
#include "quantize/importance.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "gguf/cursor.hpp"
#include "gguf/file.hpp"

namespace linnet::quantize {

namespace {

using gguf::Label;

std::vector<float> read_floats(const gguf::File& file, const gguf::TensorInfo& tensor) {
    if (tensor.type != gguf::find_type("F32")->type) {
        throw Error(Status::bad_file, "{}: importance is {}, not F32", Label("tensor", tensor.name).view(),
                    gguf::find_type(tensor.type)->name);
    }
    std::vector<float> values(static_cast<std::size_t>(tensor.n_elements));
    file.read_tensor(tensor, 0, std::as_writable_bytes(std::span(values)));
    return values;
}

}  // namespace

Importance Importance::read(Source source, Memory& memory) {
    Importance result;
    std::byte magic[4] = {};
    source.read(0, std::span(magic).first(source.size() < 4 ? static_cast<std::size_t>(source.size()) : 4));
    if (gguf::load<std::uint32_t>(magic) == gguf::kMagic) {
        result.read_gguf(std::move(source), memory);
    } else {
        std::vector<std::byte> bytes(static_cast<std::size_t>(source.size()));
        source.read(0, bytes);
        result.read_binary(bytes);
    }
    return result;
}

std::span<const float> Importance::find(std::string_view tensor) const {
    const auto entry = entries_.find(tensor);
    if (entry != entries_.end()) return entry->second;
    constexpr std::string_view kGate = ".ffn_gate_exps.", kUp = ".ffn_up_exps.", kBoth = ".ffn_gate_up_exps.";
    for (const std::string_view own : {kGate, kUp, kBoth}) {
        const std::size_t at = tensor.find(own);
        if (at == tensor.npos) continue;
        std::string other(tensor);
        const auto same = entries_.find(other.replace(at, own.size(), own == kBoth ? kGate : kBoth));
        if (same != entries_.end()) return same->second;
    }
    return {};
}

void Importance::add(std::string_view tensor, std::vector<float> values) {
    for (const float value : values) {
        if (std::isfinite(value) && value >= 0) continue;
        throw Error(Status::bad_file, "{}: {} is no importance", Label("tensor", tensor).view(), value);
    }
    if (!entries_.emplace(tensor, std::move(values)).second) {
        throw Error(Status::bad_file, "{}: its importance is given twice", Label("tensor", tensor).view());
    }
}

// Of each matrix the sums of squares, `<tensor>.in_sum2` [n_in, n_matrices], and what they are sums over,
// `<tensor>.counts` [1, n_matrices].
void Importance::read_gguf(Source source, Memory& memory) {
    std::vector<Source> sources;
    sources.push_back(std::move(source));
    const gguf::File file = gguf::File::open(std::move(sources), memory);
    if (file.string("general.type") != "imatrix") {
        throw Error(Status::bad_file, "key 'general.type' is not 'imatrix': the file holds no importance");
    }
    const auto datasets = file.strings("imatrix.datasets", memory);
    if (datasets && !datasets->empty()) dataset_ = (*datasets)[0];
    n_chunks_ = file.u32("imatrix.chunk_count").value_or(0);
    constexpr std::string_view kSums = ".in_sum2";
    for (const gguf::TensorInfo& tensor : file.tensors()) {
        if (!tensor.name.ends_with(kSums)) continue;
        const std::string_view name = tensor.name.substr(0, tensor.name.size() - kSums.size());
        const gguf::TensorInfo* counted = file.find_tensor(format_text("{}.counts", name));
        const std::uint64_t n_matrices = tensor.n_elements / tensor.shape[0];
        if (counted == nullptr || counted->n_elements != n_matrices) {
            throw Error(Status::bad_file, "{}: {} counts of what was summed are missing", Label("tensor", name).view(),
                        n_matrices);
        }
        std::vector<float> values = read_floats(file, tensor);
        const std::vector<float> counts = read_floats(file, *counted);
        const auto n_in = static_cast<std::size_t>(tensor.shape[0]);
        for (std::size_t i = 0; i < values.size(); ++i) {
            const float count = counts[i / n_in];
            values[i] = count > 0 ? values[i] / count : 1.0F;  // an expert that was never chosen
        }
        add(name, std::move(values));
    }
}

// i32 n_entries; each: i32 length, name, i32 n_calls, i32 n_values, f32 values[n_values], sums over the calls; then, in
// most files, i32 n_chunks, i32 length, name of the dataset.
void Importance::read_binary(std::span<const std::byte> bytes) {
    gguf::Cursor cursor(bytes, bytes.size());
    cursor.enter("entry", std::uint64_t{0});
    const auto length = [&](std::string_view what, std::uint64_t least) {
        const auto n = cursor.read<std::int32_t>();
        if (n < 0 || static_cast<std::uint64_t>(n) > cursor.remaining() / least) {
            throw Error(Status::bad_file, "{}: {} {} do not fit the file: it is no importance matrix",
                        cursor.label().view(), n, what);
        }
        return static_cast<std::uint32_t>(n);
    };
    const auto text = [&] {
        const auto name = cursor.take(length("characters", 1));
        return std::string_view(reinterpret_cast<const char*>(name.data()), name.size());
    };
    const std::uint32_t n_entries = length("entries", 12);
    for (std::uint32_t i = 0; i < n_entries; ++i) {
        cursor.enter("entry", std::uint64_t{i});
        const std::string_view name = text();
        cursor.enter("entry", name);
        const auto n_calls = cursor.read<std::int32_t>();
        const std::uint32_t n = length("values", sizeof(float));
        std::vector<float> values(n);
        std::memcpy(values.data(), cursor.take(n * sizeof(float)).data(), n * sizeof(float));
        for (float& value : values) value = n_calls > 0 ? value / static_cast<float>(n_calls) : 1.0F;
        add(name, std::move(values));
    }
    if (cursor.remaining() < 8) return;
    cursor.enter("dataset", std::uint64_t{0});
    const auto n_chunks = cursor.read<std::int32_t>();
    n_chunks_ = n_chunks > 0 ? static_cast<std::uint32_t>(n_chunks) : 0;
    dataset_ = text();
}

}  // namespace linnet::quantize
