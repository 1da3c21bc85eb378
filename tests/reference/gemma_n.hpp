// SPDX-License-Identifier: MIT
// Blocks of Gemma 3n and 4 for the reference model: embeddings of each layer's own, alternating updates of several
// streams (AltUp, arXiv:2301.13310), low-rank residuals (LAuReL, arXiv:2411.07501), sparse activations.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/reference/weights.hpp"

namespace reference {

// The tensor of that name; without rows when the file has none.
using Take = std::function<Matrix(const std::string& name)>;

// Each row over its root mean square, times `weight` where there is one.
Matrix rms_norm(Matrix x, const Matrix& weight, double epsilon);
Matrix gelu(const Matrix& x);

// What layers have for themselves of each token.
class PerLayer {
  public:
    PerLayer(const Take& take, std::size_t n_layers, double epsilon, SharedSquares squares);
    bool exists() const { return embedding_.size() != 0; }
    // [n_layers] x [n_tokens, width], from tokens and their (scaled) embeddings x.
    std::vector<Matrix> inputs(const std::vector<std::size_t>& tokens, const Matrix& x) const;
    // What layer `layer` adds for a stream x that it has computed.
    Matrix addition(std::size_t layer, const Matrix& x, const Matrix& input) const;

  private:
    struct Layer {
        Matrix gate, projection, norm;
    };
    double epsilon_;
    SharedSquares squares_;
    Matrix embedding_, projection_, norm_;
    std::vector<Layer> layers_;
};

class AltUp {
  public:
    AltUp(const Take& take, std::size_t n_layers, std::size_t active, double epsilon);
    bool exists() const { return !layers_.empty(); }
    std::size_t active() const { return active_; }
    std::vector<Matrix> streams(const Matrix& x) const;     // of the embeddings
    Matrix mean(const std::vector<Matrix>& streams) const;  // what the model's last norm takes
    std::vector<Matrix> predict(std::size_t layer, const std::vector<Matrix>& streams) const;
    std::vector<Matrix> correct(std::size_t layer, const std::vector<Matrix>& predicted, const Matrix& computed) const;
    Matrix scaled(std::size_t layer, const Matrix& x) const;  // the active stream, for the per-layer input
    Matrix laurel(std::size_t layer, const Matrix& normed) const;

  private:
    struct Layer {
        Matrix router, router_norm, predict, correct, scale, left, right, laurel_norm;
    };
    Matrix modalities(const Layer& layer, const Matrix& x) const;

    std::size_t active_;
    double epsilon_;
    Matrix projection_, back_;  // of all streams but the first, one below the other
    std::vector<Layer> layers_;
};

// Rows without what lies below mean + n_deviations * deviation, the rest less that.
Matrix sparsify(Matrix x, double n_deviations);

}  // namespace reference
