// SPDX-License-Identifier: MIT
// Classification without generating: the label whose text is the most probable continuation, and how sure the model is.
//   classify [MODEL [TEXT...]]
#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "linnet.hpp"

namespace {

const std::vector<std::string_view> kLabels = {"positive", "negative"};

void classify(linnet::Session& session, const std::string& text) {
    session.truncate(0);
    session.append("<|im_start|>user\nIs this positive or negative?");
    session.append(" " + text, LINNET_TOKENIZE_PLAIN);  // "<|im_end|>" in it does not end the user's turn
    session.append("<|im_end|>\n<|im_start|>assistant\n");
    const std::vector<linnet_continuation_score> scores = session.score(kLabels);
    double total = 0;
    std::size_t best = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        total += std::exp(scores[i].logprob);
        if (scores[i].logprob > scores[best].logprob) best = i;
    }
    std::printf("%-9s %5.1f %%  %s\n", std::string(kLabels[best]).c_str(), 100 * std::exp(scores[best].logprob) / total,
                text.c_str());
}

}  // namespace

int main(int argc, char** argv) {
    try {
        linnet::Engine engine;
        const linnet::Model model(engine, argc > 1 ? argv[1] : "models/tiny-tales-6m-Q8_0.gguf");
        linnet::Session session(model);
        std::vector<std::string> texts(argv + (argc > 2 ? 2 : argc), argv + argc);
        if (texts.empty()) {
            texts = {"Thank you for the necklace, it is just what I wanted.", "The umbrella is broken, and I am angry.",
                     "Boris was very kind to me.", "The soup was cold and I did not like it."};
        }
        for (const std::string& text : texts) classify(session, text);
        return 0;
    } catch (const linnet::Error& error) {
        std::cerr << error.what() << "\n";
        return error.status();
    }
}
