// SPDX-License-Identifier: MIT
// The trie is built breadth first from the sorted texts: a node is a range of texts with a common prefix.
#include "tokenizer/piece_trie.hpp"

#include <algorithm>

namespace linnet {

PieceTrie::PieceTrie(std::pmr::vector<Entry> entries, Memory& memory) : nodes_(&memory) {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.text != b.text ? a.text < b.text : a.token < b.token; });
    struct Range {
        std::size_t begin, end, depth;
    };
    std::pmr::vector<Range> ranges({{0, entries.size(), 0}}, &memory);  // of nodes_, by index
    nodes_.push_back({});
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        auto [begin, end, depth] = ranges[i];
        if (begin < end && entries[begin].text.size() == depth && depth != 0) nodes_[i].token = entries[begin].token;
        while (begin < end && entries[begin].text.size() == depth) ++begin;
        nodes_[i].first_child = static_cast<std::uint32_t>(nodes_.size());
        while (begin < end) {
            const char byte = entries[begin].text[depth];
            std::size_t next = begin;
            while (next < end && entries[next].text[depth] == byte) ++next;
            Node node;
            node.byte = static_cast<std::uint8_t>(byte);
            nodes_.push_back(node);
            ranges.push_back({begin, next, depth + 1});
            ++nodes_[i].n_children;
            begin = next;
        }
    }
    nodes_.shrink_to_fit();
}

std::uint32_t PieceTrie::child(std::uint32_t node, char byte) const noexcept {
    const Node* const first = nodes_.data() + nodes_[node].first_child;
    const Node* const last = first + nodes_[node].n_children;
    const auto wanted = static_cast<std::uint8_t>(byte);
    const Node* const found =
        std::lower_bound(first, last, wanted, [](const Node& a, std::uint8_t b) { return a.byte < b; });
    return found != last && found->byte == wanted ? static_cast<std::uint32_t>(found - nodes_.data()) : kRoot;
}

}  // namespace linnet
