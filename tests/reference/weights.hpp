// SPDX-License-Identifier: MIT
// Weights of a GGUF file as plain doubles, decoded element by element from the definitions of the formats.
// Part of the reference model: it shares no code with kernels/ (but the numbers of codebooks) and knows no speed.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <Eigen/Dense>

#include "gguf/file.hpp"

namespace reference {

// Activations are [n_tokens, n], weights [n_out, n_in]: rows contiguous, as in the file.
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowVector = Eigen::RowVectorXd;

// What tensors are multiplied with: by name, for each matrix of the tensor a row of sums of squares over tokens.
struct InputSquares {
    std::map<std::string, std::map<Eigen::Index, RowVector>> sums;

    void add(const std::string& tensor, const Matrix& x, Eigen::Index matrix = 0) {
        RowVector& sum = sums[tensor][matrix];
        if (sum.size() == 0) sum = RowVector::Zero(x.cols());
        sum += x.colwise().squaredNorm();
    }
};
using SharedSquares = std::shared_ptr<InputSquares>;

// [shape[1], shape[0]], more dimensions one matrix below the other; a vector has one row. Throws std::runtime_error for
// a type that has no definition here.
Matrix read_tensor(const linnet::gguf::File& file, const linnet::gguf::TensorInfo& tensor);

}  // namespace reference
