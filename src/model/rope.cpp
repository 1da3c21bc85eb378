// SPDX-License-Identifier: MIT
#include "model/rope.hpp"

#include <algorithm>

#include "base/math.hpp"

namespace linnet {

namespace {

double floor(double x) noexcept {
    const double n = math::nearest(x);
    return n > x ? n - 1.0 : n;
}

// YaRN (arXiv 2309.00071), section 3.2: the dimension which turns `n_turns` times over the original context.
double yarn_dimension(const arch::RopeSpec& rope, double n_turns) noexcept {
    return rope.n_rot * math::log(rope.n_ctx_orig / (n_turns * 2.0 * math::kPi)) / (2.0 * math::log(rope.theta));
}

// Share of interpolation per dimension: 0 up to the one that turns beta_fast times, 1 from beta_slow on.
struct YarnRamp {
    double low;
    double high;

    explicit YarnRamp(const arch::RopeSpec& rope) noexcept {
        const double last = rope.n_rot - 1.0;
        const double fast = yarn_dimension(rope, rope.beta_fast);
        const double slow = yarn_dimension(rope, rope.beta_slow);
        low = std::clamp(rope.yarn_rounded ? floor(fast) : fast, 0.0, last);
        high = std::clamp(rope.yarn_rounded ? -floor(-slow) : slow, 0.0, last);
        if (high <= low) high = low + 0.001;
    }
    double operator()(double i) const noexcept { return std::clamp((i - low) / (high - low), 0.0, 1.0); }
};

}  // namespace

void inverse_frequencies(const arch::RopeSpec& rope, const float* factors, std::span<double> frequencies) noexcept {
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
        double& frequency = frequencies[i];
        frequency = math::pow(rope.theta, -2.0 * static_cast<double>(i) / rope.n_rot);
        if (factors != nullptr) frequency /= factors[i];
        if (rope.scaling == arch::RopeScaling::linear) frequency /= rope.factor;
        if (rope.scaling == arch::RopeScaling::yarn) {
            const double share = YarnRamp(rope)(static_cast<double>(i));
            frequency = frequency / rope.factor * share + frequency * (1.0 - share);
        }
    }
}

void rope_row(const arch::RopeSpec& rope, std::span<const double> frequencies, std::uint32_t pos, float* cosines,
              float* sines) noexcept {
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
        const math::SinCos angle = math::sin_cos(pos * frequencies[i]);
        cosines[i] = static_cast<float>(angle.cosine * rope.magnitude);
        sines[i] = static_cast<float>(angle.sine * rope.magnitude);
    }
}

}  // namespace linnet
