// SPDX-License-Identifier: MIT
// Each side is looked up by its bytes once, when the file is read. Of equal pairs the first has the say.
#include "tokenizer/merge_table.hpp"

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace linnet {

MergeTable::MergeTable(const gguf::File& file, const Vocabulary& vocabulary, const TokenIndex& index, Memory& memory,
                       const Log& log)
    : pairs_(&memory) {
    const auto merges = file.strings("tokenizer.ggml.merges", memory);
    if (!merges) throw Error(Status::bad_file, "tokenizer.ggml.merges is missing");
    if (merges->size() >= Merge::kNoRank) {
        throw Error(Status::bad_file, "tokenizer.ggml.merges: {} merges are too many", merges->size());
    }
    pairs_.resize(merges->size() + merges->size() / 2 + 1);
    std::size_t n_unused = 0;
    std::pmr::string bytes(&memory);
    // What a text stands for. False: no token can be so.
    const auto append_bytes = [&vocabulary](std::string_view text, std::pmr::string& out) {
        if (vocabulary.model() == VocabularyModel::byte_bpe) return append_gpt2_bytes(text, out);
        append_unescaped(text, out);
        return true;
    };
    for (std::size_t rank = 0; rank < merges->size(); ++rank) {
        const std::string_view text = (*merges)[rank];
        // The alphabet has no space, so that the first one separates the sides. The first character may be one, in
        // files which do not use the alphabet; such merges can never apply.
        const std::size_t space = text.find(' ', 1);
        if (space == std::string_view::npos || space + 1 == text.size()) {
            throw Error(Status::bad_file, "tokenizer.ggml.merges[{}]: '{}' is no pair", rank, text.substr(0, 64));
        }
        bytes.clear();
        const bool readable = append_bytes(text.substr(0, space), bytes);
        const std::size_t n_left = bytes.size();
        Token left = kNoToken, right = kNoToken, merged = kNoToken;
        if (readable && append_bytes(text.substr(space + 1), bytes)) {
            const std::string_view both = bytes;
            left = index.find(both.substr(0, n_left));
            right = index.find(both.substr(n_left));
            merged = index.find(both);
        }
        if (left == kNoToken || right == kNoToken || merged == kNoToken) {
            ++n_unused;
            continue;
        }
        std::size_t i = slot(left, right), n_probes = 0;
        while (pairs_[i].left != kNoToken && (pairs_[i].left != left || pairs_[i].right != right)) {
            i = i + 1 < pairs_.size() ? i + 1 : 0;
            if (++n_probes > TokenIndex::kMaxProbes) {
                throw Error(Status::bad_file, "tokenizer.ggml.merges: the pairs collide");
            }
        }
        // Of equal pairs the first has the say.
        if (pairs_[i].left == kNoToken) pairs_[i] = {left, right, {static_cast<std::uint32_t>(rank), merged}};
    }
    if (n_unused != 0) {
        log(LogLevel::warning, "tokenizer.ggml.merges: {} of {} merges name tokens that the vocabulary lacks", n_unused,
            merges->size());
    }
}

}  // namespace linnet
