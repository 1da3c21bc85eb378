// SPDX-License-Identifier: MIT
// A GGUF file written again with changes: keys and tensors dropped, replaced or added. What a loader must refuse is
// made from what it accepts, one difference at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/memory.hpp"
#include "gguf/file.hpp"
#include "gguf/writer.hpp"
#include "support/gguf_builder.hpp"

namespace gguf_test {

class Rewrite {
  public:
    using Put = std::function<void(linnet::gguf::Writer& writer, const std::string& key)>;

    struct Tensor {
        std::string name;
        linnet::gguf::TensorType type{};
        std::vector<std::uint64_t> shape;
        Bytes data;  // empty: zeros of the right size
    };

    // `original` must outlive the object.
    explicit Rewrite(const Bytes& original)
        : file_(open(linnet::Source::from_memory(original), memory_)),
          architecture_(*file_.string("general.architecture")) {}

    const linnet::gguf::File& file() const { return file_; }

    Rewrite& architecture(const std::string& name) {
        architecture_ = name;
        return *this;
    }
    Rewrite& drop_key(const std::string& key) {
        return replace_key(key, [](auto&, auto&) {});
    }
    // Instead of what the file has, or in addition.
    Rewrite& replace_key(const std::string& key, Put put) {
        keys_[key] = std::move(put);
        return *this;
    }
    Rewrite& u32(const std::string& key, std::uint32_t value) {
        return replace_key(key, [value](auto& writer, auto& k) { writer.add_u32(k, value); });
    }
    Rewrite& f32(const std::string& key, float value) {
        return replace_key(key, [value](auto& writer, auto& k) { writer.add_f32(k, value); });
    }
    Rewrite& text(const std::string& key, const std::string& value) {
        return replace_key(key, [value](auto& writer, auto& k) { writer.add_string(k, value); });
    }
    Rewrite& drop_tensor(const std::string& name) {
        dropped_.insert(name);
        return *this;
    }
    Rewrite& replace_tensor(Tensor tensor) {
        dropped_.insert(tensor.name);
        added_.push_back(std::move(tensor));
        return *this;
    }
    Rewrite& add_tensor(Tensor tensor) {
        added_.push_back(std::move(tensor));
        return *this;
    }
    // As the file has it.
    Tensor tensor(const std::string& name) const {
        const linnet::gguf::TensorInfo& info = *file_.find_tensor(name);
        Tensor result{name, info.type, {info.shape, info.shape + info.n_dims}, Bytes(info.size)};
        file_.read_tensor(info, 0, result.data);
        return result;
    }

    Bytes bytes() const {
        linnet::gguf::Writer writer(architecture_);
        for (const auto& value : file_.values()) {
            const std::string key(value.key);
            if (key != "general.architecture" && keys_.count(key) == 0) copy(writer, value);
        }
        for (const auto& [key, put] : keys_) put(writer, key);
        std::vector<Tensor> tensors;
        for (const auto& info : file_.tensors()) {
            const std::string name(info.name);
            if (dropped_.count(name) == 0) tensors.push_back(tensor(name));
        }
        tensors.insert(tensors.end(), added_.begin(), added_.end());
        for (Tensor& t : tensors) {
            const auto& type = *linnet::gguf::find_type(t.type);
            std::uint64_t n = 1;
            for (const std::uint64_t d : t.shape) n *= d;
            if (t.data.empty()) t.data.resize(n / type.block_size * type.block_bytes);
            writer.add_tensor(t.name, t.type, t.shape, [&t](const linnet::gguf::Writer::Sink& sink) { sink(t.data); });
        }
        return writer.write_memory();
    }

  private:
    void copy(linnet::gguf::Writer& writer, const linnet::gguf::Value& value) const {
        using linnet::gguf::ValueType;
        const auto type = value.type == ValueType::array ? value.element_type : value.type;
        const bool array = value.type == ValueType::array;
        auto& memory = *std::pmr::new_delete_resource();
        switch (type) {
            case ValueType::string:
                if (array) {
                    std::vector<std::string> texts;
                    const auto views = file_.strings(value.key, memory);
                    for (const std::string_view view : *views) texts.emplace_back(view);
                    writer.add_strings(value.key, texts);
                } else {
                    writer.add_string(value.key, *file_.string(value.key));
                }
                break;
            case ValueType::boolean: writer.add(value); break;
            case ValueType::f32:
            case ValueType::f64:
                if (array) {
                    writer.add_f32s(value.key, *file_.f32s(value.key, memory));
                } else {
                    writer.add_f32(value.key, *file_.f32(value.key));
                }
                break;
            default:
                if (array) {
                    writer.add_i32s(value.key, *file_.i32s(value.key, memory));
                } else {
                    writer.add_u32(value.key, *file_.u32(value.key));
                }
        }
    }

    linnet::Memory memory_;
    linnet::gguf::File file_;
    std::string architecture_;
    std::map<std::string, Put> keys_;
    std::set<std::string> dropped_;
    std::vector<Tensor> added_;
};

}  // namespace gguf_test
