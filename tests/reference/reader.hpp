// SPDX-License-Identifier: MIT
// A file as the reference model's loader sees it: keys and tensors by short name, required and optional ones, and a
// record of which tensors were used.
#pragma once

#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.hpp"
#include "tests/reference/weights.hpp"

namespace reference {

// y = x W^T + b; an empty bias is none.
struct Linear {
    Matrix weight;
    RowVector bias;
    std::string tensor = {};
    SharedSquares squares = nullptr;  // null: nobody asks

    Matrix operator()(const Matrix& x) const {
        if (squares) squares->add(tensor, x);
        Matrix y = x * weight.transpose();
        if (bias.size() != 0) y.rowwise() += bias;
        return y;
    }
};

// Runs of weight.cols() columns are normed on their own, run i with row i of `weight` or with its only one: a whole
// row, all heads alike, or each with weights of its own. An empty weight is no norm.
struct Norm {
    Matrix weight;
    RowVector bias;  // may be empty
};

class Reader {
  public:
    explicit Reader(const std::string& path) : file_(linnet::gguf::File::open(path, false, memory_)) {
        const auto name = file_.string("general.architecture");
        if (!name) throw std::runtime_error("reference: no general.architecture");
        architecture_ = *name;
    }

    const std::string& architecture() const { return architecture_; }

    std::optional<Eigen::Index> integer(const std::string& key) const {
        const auto value = file_.u32(architecture_ + "." + key);
        return value ? std::optional<Eigen::Index>(*value) : std::nullopt;
    }
    std::optional<double> real(const std::string& key) const {
        const auto value = file_.f32(architecture_ + "." + key);
        return value ? std::optional<double>(*value) : std::nullopt;
    }
    // Of any type that a number or a flag may have.
    std::optional<double> number(const std::string& key) const {
        const linnet::gguf::Value* value = file_.find(architecture_ + "." + key);
        if (value == nullptr) return std::nullopt;
        if (value->type == linnet::gguf::ValueType::boolean) return *file_.boolean(value->key) ? 1 : 0;
        if (value->type == linnet::gguf::ValueType::f32) return *file_.f32(value->key);
        return *file_.u32(value->key);
    }
    std::string text(const std::string& key, std::string_view otherwise) const {
        return std::string(file_.string(architecture_ + "." + key).value_or(otherwise));
    }
    template <class T>
    static T need(const std::optional<T>& value, const char* what) {
        if (!value) throw std::runtime_error(std::string("reference: missing key ") + what);
        return *value;
    }

    // Empty when the file has no such tensor.
    Matrix optional_matrix(const std::string& name) {
        const linnet::gguf::TensorInfo* tensor = file_.find_tensor(name);
        if (tensor == nullptr) return {};
        used_.insert(name);
        return read_tensor(file_, *tensor);
    }
    Matrix matrix(const std::string& name) {
        Matrix result = optional_matrix(name);
        if (result.size() == 0) throw std::runtime_error("reference: missing tensor " + name);
        return result;
    }
    RowVector optional_vector(const std::string& name) {
        const Matrix result = optional_matrix(name);
        if (result.rows() > 1) throw std::runtime_error("reference: not a vector: " + name);
        return result.size() == 0 ? RowVector() : RowVector(result.row(0));
    }
    RowVector vector(const std::string& name) { return matrix(name).row(0); }
    Norm norm(const std::string& name) { return {optional_matrix(name + ".weight"), optional_vector(name + ".bias")}; }
    bool has(const std::string& name) const { return file_.find_tensor(name) != nullptr; }
    std::vector<bool> flags(const std::string& key) const {
        const auto values = file_.booleans(architecture_ + "." + key, *std::pmr::new_delete_resource());
        return values ? std::vector<bool>(values->begin(), values->end()) : std::vector<bool>();
    }
    std::vector<float> reals(const std::string& key) const {
        const auto values = file_.f32s(architecture_ + "." + key, *std::pmr::new_delete_resource());
        return values ? std::vector<float>(values->begin(), values->end()) : std::vector<float>();
    }
    Linear optional_linear(const std::string& name) {
        return {optional_matrix(name + ".weight"), optional_vector(name + ".bias"), name + ".weight", squares_};
    }
    std::optional<bool> flag(const std::string& key) const { return file_.boolean(architecture_ + "." + key); }
    Linear linear(const std::string& name) {
        return {matrix(name + ".weight"), optional_vector(name + ".bias"), name + ".weight", squares_};
    }
    const SharedSquares& squares() const { return squares_; }

    // A tensor that nothing uses would mean that something is computed without it. Those of layers from n_layers on are
    // not meant to be used.
    void check_all_used(Eigen::Index n_layers) const {
        for (const auto& tensor : file_.tensors()) {
            const bool is_beyond =
                tensor.name.substr(0, 4) == "blk." && std::stol(std::string(tensor.name.substr(4))) >= n_layers;
            if (!is_beyond && used_.count(std::string(tensor.name)) == 0) {
                throw std::runtime_error("reference: tensor without use: " + std::string(tensor.name));
            }
        }
    }

  private:
    linnet::Memory memory_;
    linnet::gguf::File file_;
    std::string architecture_;
    std::set<std::string> used_;
    SharedSquares squares_ = std::make_shared<InputSquares>();
};

}  // namespace reference
