// SPDX-License-Identifier: MIT
// Viterbi's algorithm over the bytes of the normalised text, which has a space where the file's pieces have U+2581.
// Sums are doubles, and of equal ones the first found stays, as in Hugging Face's implementation.
#include "tokenizer/unigram.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "tokenizer/utf8.hpp"

namespace linnet {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";
// How far below all pieces a character is that none covers.
constexpr double kUnknownPenalty = 10.0;

// The best way to cut the text up to some byte.
struct Best {
    double score = -std::numeric_limits<double>::infinity();
    std::uint32_t begin = 0;  // of the last token
    Token token = kNoToken;   // kNoToken: a character that none covers
};

}  // namespace

Unigram::Unigram(const gguf::File& file, const Vocabulary& vocabulary, Memory& memory)
    : vocabulary_(&vocabulary),
      charsmap_(file, memory),
      merges_spaces_(file.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(true)),
      scores_(read_scores(file, vocabulary, memory)) {
    std::pmr::vector<PieceTrie::Entry> entries(&memory);
    double lowest = std::numeric_limits<double>::infinity();
    for (Token token = 0; vocabulary.has(token); ++token) {
        float& score = scores_[static_cast<std::size_t>(token)];
        if (!std::isfinite(score)) throw Error(Status::bad_file, "tokenizer.ggml.scores[{}] is {}", token, score);
        const TokenKind kind = vocabulary.kind(token);
        const std::string_view piece = vocabulary.piece(token);
        // Written by hand, whatever their score says.
        if (kind == TokenKind::user_defined) score = 0;
        if ((kind != TokenKind::normal && kind != TokenKind::user_defined) || piece.empty()) continue;
        if (piece.size() > kMaxPieceSize) {
            throw Error(Status::bad_file, "tokenizer.ggml.tokens[{}]: {} bytes are too many for a piece", token,
                        piece.size());
        }
        if (kind == TokenKind::normal) lowest = std::min<double>(lowest, score);
        entries.push_back({piece, token});
    }
    unknown_score_ = (std::isfinite(lowest) ? lowest : 0) - kUnknownPenalty;
    pieces_.emplace(std::move(entries), memory);
}

void Unigram::normalise(std::string_view text, bool space_prefix, bool in_text, std::pmr::string& out) const {
    out.reserve(text.size() + text.size() / 2);
    bool pending = space_prefix;  // a space, if something follows
    bool at_start = !in_text;
    const auto add = [&](std::string_view normal) {
        while (!normal.empty()) {
            if (merges_spaces_ && normal[0] == ' ') {
                pending = pending || !at_start;
                normal.remove_prefix(1);
                continue;
            }
            if (pending) out.push_back(' ');
            pending = at_start = false;
            const bool is_mark = normal.starts_with(kSpaceMark);
            out.push_back(is_mark ? ' ' : normal[0]);
            normal.remove_prefix(is_mark ? kSpaceMark.size() : 1);
        }
    };
    while (!text.empty()) {
        const Charsmap::Match match = charsmap_.find(text);
        if (match.size != 0) {
            add(match.replacement);
            text.remove_prefix(match.size);
            continue;
        }
        // Of bytes that are no UTF-8 each is replaced by itself.
        const utf8::Char c = utf8::read(text.data(), text.data() + text.size());
        const bool valid = c.status == utf8::Status::valid;
        add(valid ? text.substr(0, c.size) : utf8::kReplacementText);
        text.remove_prefix(valid ? c.size : 1);
    }
}

void Unigram::encode(std::string_view text, bool space_prefix, bool in_text, std::pmr::vector<Token>& ids) const {
    std::pmr::memory_resource* const memory = ids.get_allocator().resource();
    std::pmr::string normal(memory);
    normalise(text, space_prefix, in_text, normal);
    const std::size_t n = normal.size();
    if (n > std::numeric_limits<std::uint32_t>::max()) {
        throw Error(Status::invalid_argument, "a text of {} bytes becomes {} by tokenizer.ggml.precompiled_charsmap",
                    text.size(), n);
    }
    std::pmr::vector<Best> best(n + 1, Best{}, memory);
    best[0].score = 0;
    for (std::size_t at = 0; at < n;) {
        const auto relax = [&](std::size_t end, double score, Token token) {
            const double sum = best[at].score + score;
            if (sum > best[end].score) best[end] = {sum, static_cast<std::uint32_t>(at), token};
        };
        const std::size_t next = at + utf8::read(normal.data() + at, normal.data() + n).size;
        bool is_covered = false;  // the character here by a token
        std::uint32_t node = PieceTrie::kRoot;
        for (std::size_t end = at; end < n;) {
            node = pieces_->child(node, normal[end++]);
            if (node == PieceTrie::kRoot) break;
            const Token token = pieces_->token(node);
            if (token == kNoToken) continue;
            is_covered = is_covered || end == next;
            relax(end, static_cast<double>(scores_[static_cast<std::size_t>(token)]), token);
        }
        if (!is_covered) relax(next, unknown_score_, kNoToken);
        at = next;
    }
    const std::size_t first = ids.size();
    bool is_run = false;
    for (std::size_t end = n; end != 0; end = best[end].begin) {
        const Token token = best[end].token;
        // A run of characters that no token covers is the unknown token once.
        if (token != kNoToken) {
            ids.push_back(token);
        } else if (!is_run && vocabulary_->unknown != kNoToken) {
            ids.push_back(vocabulary_->unknown);
        }
        is_run = token == kNoToken;
    }
    std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end());
}

}  // namespace linnet
