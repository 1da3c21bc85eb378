// SPDX-License-Identifier: MIT
#include "gguf/file.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "gguf/cursor.hpp"
#include "gguf/header.hpp"
#include "gguf/name_index.hpp"
#include "gguf/values.hpp"

namespace linnet::gguf {

namespace {

// `<stem>-00002-of-00003.gguf`; number is 0 when a path does not end so.
struct SplitPath {
    std::string_view stem;
    std::uint32_t number = 0;
    std::uint32_t count = 0;
};

// Five decimal digits, or 0.
std::uint32_t five_digits(std::string_view text) noexcept {
    std::uint32_t n = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return 0;
        n = n * 10 + static_cast<std::uint32_t>(c - '0');
    }
    return n;
}

SplitPath parse_split_path(std::string_view path) noexcept {
    constexpr std::string_view kPattern = "-00001-of-00003.gguf";
    if (path.size() <= kPattern.size()) return {};
    const std::string_view end = path.substr(path.size() - kPattern.size());
    if (end[0] != '-' || end.substr(6, 4) != "-of-" || end.substr(15) != ".gguf") return {};
    const SplitPath split{path.substr(0, path.size() - kPattern.size()), five_digits(end.substr(1, 5)),
                          five_digits(end.substr(10, 5))};
    return split.count == 0 ? SplitPath{} : split;
}

template <class T>
std::optional<T> get_if(const Value* value) {
    if (value == nullptr) return std::nullopt;
    return get<T>(*value);
}

template <class T>
std::optional<std::pmr::vector<T>> get_array_if(const Value* value, std::pmr::memory_resource& memory) {
    if (value == nullptr) return std::nullopt;
    return get_array<T>(*value, memory);
}

}  // namespace

File::File(Memory& memory)
    : memory_(&memory),
      sources_(&memory),
      headers_(&memory),
      values_(&memory),
      values_by_key_(&memory),
      tensors_(&memory),
      tensors_by_name_(&memory) {}

File File::open(std::string_view path, bool map, Memory& memory) {
    File file(memory);
    file.add(Source::open_file(path, map));
    const std::uint32_t n = file.n_splits_;
    if (n > 1) {
        const SplitPath split = parse_split_path(path);
        if (split.number != 1 || split.count != n) {
            throw Error(Status::bad_file,
                        "{}: the file is the first of {} splits, so its name must end in '-00001-of-{:05}.gguf'", path,
                        n, n);
        }
        for (std::uint32_t number = 2; number <= n; ++number) {
            file.add(Source::open_file(format_text("{}-{:05}-of-{:05}.gguf", split.stem, number, n), map));
        }
    }
    file.finish();
    return file;
}

File File::open(std::vector<Source> sources, Memory& memory) {
    File file(memory);
    for (Source& source : sources) file.add(std::move(source));
    file.finish();
    return file;
}

void File::add(Source source) {
    const auto index = static_cast<std::uint32_t>(sources_.size());
    sources_.push_back(std::move(source));
    try {
        Header header = read_header(sources_.back(), index, *memory_);
        const auto find_key = [&](std::string_view key) {
            return find_name<Value>(header.values, header.values_by_key, &Value::key, key);
        };
        // Tools which merge splits leave a count of 0 behind.
        const std::uint32_t count = std::max(get_if<std::uint32_t>(find_key("split.count")).value_or(1), 1U);
        const std::uint32_t number = count > 1 ? get_if<std::uint32_t>(find_key("split.no")).value_or(0) : 0;
        if (index == 0) n_splits_ = count;
        if (count != n_splits_) {
            throw Error(Status::bad_file, "key 'split.count' is {}, but {} in the first split", count, n_splits_);
        }
        if (number != index) {
            throw Error(Status::bad_file,
                        "key 'split.no' is {}, so this is split {} of {} where split {} is expected{}", number,
                        std::uint64_t{number} + 1, count, index + 1, index == 0 ? ": open the first one" : "");
        }
        headers_.push_back(std::move(header.bytes));
        if (index == 0) {
            version_ = header.version;
            alignment_ = header.alignment;
            values_ = std::move(header.values);
            values_by_key_ = std::move(header.values_by_key);
            tensors_ = std::move(header.tensors);
        } else {
            tensors_.insert(tensors_.end(), header.tensors.begin(), header.tensors.end());
        }
    } catch (const Error& error) {
        if (index == 0) throw;
        throw Error(error.status(), "split {} of {}: {}", index + 1, n_splits_, error.what());
    }
}

void File::finish() {
    if (sources_.size() != std::max(n_splits_, 1U)) {
        throw Error(Status::bad_file, "key 'split.count' is {}, but {} splits were given", n_splits_, sources_.size());
    }
    const auto n_tensors = n_splits_ > 1 ? u64("split.tensors.count") : std::nullopt;
    if (n_tensors && *n_tensors != tensors_.size()) {
        throw Error(Status::bad_file, "key 'split.tensors.count' is {}, but the splits have {} tensors", *n_tensors,
                    tensors_.size());
    }
    tensors_by_name_ = index_names<TensorInfo>(tensors_, &TensorInfo::name, "tensor", *memory_);
}

std::uint64_t File::file_size() const noexcept {
    std::uint64_t size = 0;
    for (const Source& source : sources_) size += source.size();
    return size;
}

const Value* File::find(std::string_view key) const noexcept {
    return find_name<Value>(values_, values_by_key_, &Value::key, key);
}

const TensorInfo* File::find_tensor(std::string_view name) const noexcept {
    return find_name<TensorInfo>(tensors_, tensors_by_name_, &TensorInfo::name, name);
}

std::optional<std::uint32_t> File::u32(std::string_view key) const { return get_if<std::uint32_t>(find(key)); }
std::optional<std::int32_t> File::i32(std::string_view key) const { return get_if<std::int32_t>(find(key)); }
std::optional<std::uint64_t> File::u64(std::string_view key) const { return get_if<std::uint64_t>(find(key)); }
std::optional<float> File::f32(std::string_view key) const { return get_if<float>(find(key)); }
std::optional<bool> File::boolean(std::string_view key) const { return get_if<bool>(find(key)); }
std::optional<std::string_view> File::string(std::string_view key) const { return get_if<std::string_view>(find(key)); }

std::optional<std::pmr::vector<std::string_view>> File::strings(std::string_view key,
                                                                std::pmr::memory_resource& memory) const {
    return get_array_if<std::string_view>(find(key), memory);
}
std::optional<std::pmr::vector<std::int32_t>> File::i32s(std::string_view key,
                                                         std::pmr::memory_resource& memory) const {
    return get_array_if<std::int32_t>(find(key), memory);
}
std::optional<std::pmr::vector<float>> File::f32s(std::string_view key, std::pmr::memory_resource& memory) const {
    return get_array_if<float>(find(key), memory);
}
std::optional<std::pmr::vector<bool>> File::booleans(std::string_view key, std::pmr::memory_resource& memory) const {
    return get_array_if<bool>(find(key), memory);
}

const std::byte* File::tensor_data(const TensorInfo& tensor) const noexcept {
    const std::byte* data = sources_[tensor.source].data();
    return data == nullptr ? nullptr : data + tensor.offset;
}

void File::read_tensor(const TensorInfo& tensor, std::uint64_t offset, std::span<std::byte> target) const {
    if (offset > tensor.size || target.size() > tensor.size - offset) {
        throw Error(Status::io, "{}: read of {} bytes at {} outside its {} bytes", Label("tensor", tensor.name).view(),
                    target.size(), offset, tensor.size);
    }
    sources_[tensor.source].read(tensor.offset + offset, target);
}

}  // namespace linnet::gguf
