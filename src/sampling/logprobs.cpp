// SPDX-License-Identifier: MIT
// One sum in double precision by ascending id, of weights relative to the greatest logit.
#include "sampling/logprobs.hpp"

#include <limits>

#include "base/exp.hpp"
#include "base/math.hpp"

namespace linnet {

double log_sum(std::span<const float> logits) noexcept {
    float most = -std::numeric_limits<float>::infinity();
    for (const float logit : logits) most = logit > most ? logit : most;
    if (!(most - most == 0.0F)) return static_cast<double>(most);  // infinite
    double total = 0.0;
    for (const float logit : logits) {
        if (logit <= most) total += static_cast<double>(exp_negative(logit - most));  // not for NaN
    }
    return static_cast<double>(most) + math::log(total);
}

}  // namespace linnet
