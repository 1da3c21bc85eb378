// SPDX-License-Identifier: MIT
#include "tools/windows.hpp"

#include <memory_resource>

#include "tools/commands.hpp"
#include "tools/pass.hpp"
#include "tools/read_file.hpp"

namespace tools {

Windows read_windows(const linnet::Model& model, const std::string& path, std::size_t n_ctx, std::size_t n_least) {
    std::string text;
    if (!read_file(path, text)) throw std::runtime_error(path + ": cannot be opened");
    if (text.ends_with('\n')) text.pop_back();
    std::pmr::vector<linnet::Token> tokens;
    model.tokenizer().encode(text, {.add_special = true, .parse_special = false}, tokens);
    Windows windows;
    windows.n_tokens = tokens.size();
    windows.n_ctx = n_ctx;
    windows.n = tokens.size() / n_ctx;
    if (n_ctx < 4 || windows.n < n_least) {
        throw UsageError(fmt::format("{} tokens are too few for {} window(s) of {}", tokens.size(), n_least, n_ctx));
    }
    check_tokens(tokens, model.spec().n_vocab);
    windows.tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(windows.n * n_ctx));
    for (std::size_t i = 0; model.tokenizer().add_bos() && i < windows.n; ++i) {
        windows.tokens[i * n_ctx] = model.tokenizer().bos();
    }
    return windows;
}

}  // namespace tools
