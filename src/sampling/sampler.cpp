// SPDX-License-Identifier: MIT
// A filter keeps the first tokens in one order (logit descending, id ascending), so that the kept set follows from a
// threshold. Thresholds that are sure bounds come first, and only what passes them is ever sorted. Loops over the
// vocabulary go block by block with one lane per residue of the id: they vectorise, and their sums have one order.
#include "sampling/sampler.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/exp.hpp"
#include "base/workers.hpp"

namespace linnet {

namespace {

constexpr std::size_t kBlock = 256;
constexpr std::size_t kLanes = 16;
constexpr std::uint32_t kSign = 1U << 31;  // of a float's bits
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// NaN is smaller than everything.
float maximum(std::span<const float> values) noexcept {
    float lanes[kLanes];
    std::fill_n(lanes, kLanes, -kInfinity);
    std::size_t i = 0;
    for (; i + kLanes <= values.size(); i += kLanes) {
        for (std::size_t j = 0; j < kLanes; ++j) lanes[j] = values[i + j] > lanes[j] ? values[i + j] : lanes[j];
    }
    for (; i < values.size(); ++i) lanes[0] = values[i] > lanes[0] ? values[i] : lanes[0];
    return *std::max_element(lanes, lanes + kLanes);
}

// Calls found(i) for each value above `bound`, in ascending order; found returns the bound from there on.
template <class Found>
void for_each_above(std::span<const float> values, float bound, Found found) noexcept {
    for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
        const std::span<const float> block = values.subspan(begin, std::min(kBlock, values.size() - begin));
        if (!(maximum(block) > bound)) continue;
        for (std::size_t i = 0; i < block.size(); ++i) {
            if (block[i] > bound) bound = found(begin + i);
        }
    }
}

// The weights of `scores` ([<= kBlock]), padded with zeros.
struct Weights {
    Weights(std::span<const float> scores, const Sampler::Weighting& weighting) noexcept {
        const auto end = std::copy(scores.begin(), scores.end(), values);
        std::fill(end, values + kBlock, -kInfinity);
        for (float& value : values) {
            const float distance = value - weighting.best;
            value = value_if(distance >= weighting.cut, exp_negative(distance / weighting.temperature));
        }
    }

    float sum() const noexcept {
        float lanes[kLanes] = {};
        for (std::size_t i = 0; i < kBlock; i += kLanes) {
            for (std::size_t j = 0; j < kLanes; ++j) lanes[j] += values[i + j];
        }
        for (std::size_t n = kLanes / 2; n > 0; n /= 2) {
            for (std::size_t j = 0; j < n; ++j) lanes[j] += lanes[j + n];
        }
        return lanes[0];
    }

    float values[kBlock];
};

std::span<const float> block_of(std::span<const float> scores, std::size_t block) noexcept {
    const std::size_t begin = block * kBlock;
    return scores.subspan(begin, std::min(kBlock, scores.size() - begin));
}

// Buckets of scores by their distance from the best, 1/16 wide; the last one takes all the rest (and NaN).
constexpr int kBucketBits = 10;  // of an index
constexpr std::size_t kBuckets = std::size_t{1} << kBucketBits;
constexpr float kBucketsPerUnit = 16.0F;

std::size_t bucket_of(float score, float best) noexcept {
    const float distance = (best - score) * kBucketsPerUnit;
    return distance < static_cast<float>(kBuckets - 1) ? static_cast<std::size_t>(distance) : kBuckets - 1;
}

// Orders like precedes() for scores: the smaller, the earlier.
std::uint32_t key_of(float score) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 becomes 0
    return (bits & kSign) != 0 ? bits : ~(bits | kSign);
}

bool has_penalties(const SamplerOptions& options) noexcept {
    return options.repetition_penalty != 1.0F || options.frequency_penalty != 0.0F || options.presence_penalty != 0.0F;
}

}  // namespace

Token arg_max(std::span<const float> logits) noexcept {
    const float best = maximum(logits);
    if (!(best > -kInfinity)) return 0;
    return static_cast<Token>(std::find(logits.begin(), logits.end(), best) - logits.begin());
}

Sampler::Sampler(std::uint32_t n_vocab, const SamplerOptions& options, Memory& memory)
    : n_vocab_(n_vocab),
      options_(validated(n_vocab, options)),
      min_p_cut_(options.min_p > 0.0F ? log_threshold(options.min_p) : -kInfinity),
      random_(options.seed),
      biases_(options.biases.begin(), options.biases.end(), &memory),
      scores_(&memory),
      block_sums_(&memory),
      buckets_(&memory),
      candidates_(&memory),
      counts_(&memory),
      history_(&memory),
      banned_(options.banned, options.trie, memory),
      text_(&memory),
      breakers_(&memory) {
    options_.biases = biases_;
    options_.banned = {};
    if (has_penalties(options_)) {
        counts_.resize(n_vocab);
        history_.resize(options_.penalty_window);
    }
    if (!biases_.empty() || !counts_.empty() || !banned_.empty()) scores_.resize(n_vocab);
    if (needs_chain(options_)) {
        chain_.emplace(n_vocab, options_, memory);
        if (options_.dry_multiplier > 0.0F) {
            text_.resize(2 * std::size_t{options_.dry_window});
            find_breakers(options.dry_breakers);
        }
        options_.dry_breakers = {};
        options_.stages = {};
        return;
    }
    if (options_.temperature == 0.0F) return;
    if (options_.top_k > 0) {
        candidates_.resize(options_.top_k);
    } else if (options_.top_p > 0.0F) {
        candidates_.resize(n_vocab);
        buckets_.resize(kBuckets);
    } else {
        block_sums_.resize(div_up<std::size_t>(n_vocab, kBlock));
    }
}

Token Sampler::sample(std::span<const float> logits) noexcept {
    const FloatEnvironment environment;
    const std::span<const float> scores = adjusted(logits);
    if (chain_) {
        const std::size_t n_text = std::min<std::size_t>(n_text_, options_.dry_window);
        const std::span<const Token> text = std::span(text_).first(n_text_).last(n_text);
        return chain_->sample(scores, {counts_, text, breakers_}, random_);
    }
    if (options_.temperature == 0.0F) return arg_max(scores);
    const float best = maximum(scores);
    if (!std::isfinite(best)) return arg_max(scores);  // nothing to choose from, or infinitely probable tokens
    const Weighting weighting{.best = best, .temperature = options_.temperature, .cut = min_p_cut_};
    if (options_.top_k > 0) return choose(keep_top_k(scores), weighting);
    if (options_.top_p > 0.0F) return choose(keep_top_p(scores, best), weighting);
    return choose_any(scores, weighting);
}

// Tokens whose text holds one of the given texts.
void Sampler::find_breakers(std::span<const std::string_view> texts) {
    breakers_.resize(n_vocab_);
    for (Token token = 0; token < static_cast<Token>(std::min(n_vocab_, options_.trie->n_vocab())); ++token) {
        const std::string_view piece = options_.trie->piece(token);
        const auto holds = [&](std::string_view text) {
            return !text.empty() && piece.find(text) != std::string_view::npos;
        };
        breakers_[static_cast<std::size_t>(token)] = std::ranges::any_of(texts, holds);
    }
}

void Sampler::accept(Token token) noexcept {
    if (token < 0 || static_cast<std::uint32_t>(token) >= n_vocab_) return;
    if (!banned_.empty()) banned_.accept(token);
    if (!text_.empty()) {
        if (n_text_ == text_.size()) {
            std::copy(text_.end() - options_.dry_window, text_.end(), text_.begin());
            n_text_ = options_.dry_window;
        }
        text_[n_text_++] = token;
    }
    if (history_.empty()) return;
    if (n_history_ == history_.size()) {
        --counts_[static_cast<std::size_t>(history_[next_])];
    } else {
        ++n_history_;
    }
    history_[next_] = token;
    ++counts_[static_cast<std::size_t>(token)];
    next_ = next_ + 1 == history_.size() ? 0 : next_ + 1;
}

void Sampler::set_history(std::span<const Token> text) noexcept {
    for (std::uint32_t i = 0; i < n_history_; ++i) counts_[static_cast<std::size_t>(history_[i])] = 0;
    n_history_ = 0;
    next_ = 0;
    n_text_ = 0;
    banned_.reset();
    // The longest of the windows; a banned text has no more tokens than bytes.
    const std::size_t window = std::max({history_.size(), text_.size() / 2, banned_.max_size()});
    for (const Token token : text.last(std::min(text.size(), window))) accept(token);
}

void Sampler::reset() noexcept {
    set_history({});
    random_ = Random(options_.seed);
    if (chain_) chain_->reset();
}

// The logits after biases, bans, and without a chain, which has its own order, penalties.
std::span<const float> Sampler::adjusted(std::span<const float> logits) noexcept {
    if (scores_.empty()) return logits;
    std::copy(logits.begin(), logits.end(), scores_.begin());
    for (const LogitBias& bias : biases_) scores_[static_cast<std::size_t>(bias.token)] += bias.bias;
    banned_.ban(scores_);
    if (!chain_) penalise();
    return scores_;
}

void Sampler::penalise() noexcept {
    constexpr std::uint32_t kSeen = 1U << 31;  // on a count: this token has been dealt with
    for (std::uint32_t i = 0; i < n_history_; ++i) {
        const auto token = static_cast<std::size_t>(history_[i]);
        if ((counts_[token] & kSeen) != 0) continue;
        float& score = scores_[token];
        score = score > 0.0F ? score / options_.repetition_penalty : score * options_.repetition_penalty;
        score -= static_cast<float>(counts_[token]) * options_.frequency_penalty + options_.presence_penalty;
        counts_[token] |= kSeen;
    }
    for (std::uint32_t i = 0; i < n_history_; ++i) counts_[static_cast<std::size_t>(history_[i])] &= ~kSeen;
}

// The top_k first tokens, cut further by top_p; best first.
std::span<Candidate> Sampler::keep_top_k(std::span<const float> scores) noexcept {
    const auto begin = candidates_.begin();
    auto end = begin;
    // A heap with the last of the best so far on top: with ids ascending, only a greater score displaces it.
    for_each_above(scores, -kInfinity, [&](std::size_t i) {
        if (end == candidates_.end()) std::pop_heap(begin, end--, precedes);
        *end++ = {scores[i], static_cast<Token>(i)};
        std::push_heap(begin, end, precedes);
        return end == candidates_.end() ? begin->score : -kInfinity;
    });
    std::sort(begin, end, precedes);
    if (options_.top_p == 0.0F) return {begin, end};
    double total = 0.0;
    for (auto i = begin; i != end; ++i) total += static_cast<double>(exp_negative(i->score - begin->score));
    double missing = total * static_cast<double>(options_.top_p);
    auto kept = begin;
    for (; kept != end && missing > 0.0; ++kept) {
        missing -= static_cast<double>(exp_negative(kept->score - begin->score));
    }
    return {begin, kept};
}

// The fewest tokens whose probabilities reach top_p: those of the buckets that are kept as a whole by ascending id,
// then, best first, those of the bucket in which top_p is reached. Of that one only what is kept is sorted, and of
// equal scores nothing, as they come by id.
std::span<Candidate> Sampler::keep_top_p(std::span<const float> scores, float best) noexcept {
    std::fill(buckets_.begin(), buckets_.end(), 0.0);
    double total = 0.0;
    for (std::size_t block = 0; block < div_up(scores.size(), kBlock); ++block) {
        const std::span<const float> values = block_of(scores, block);
        const Weights weights(values, {.best = best, .temperature = 1.0F, .cut = -kInfinity});
        for (std::size_t i = 0; i < values.size(); ++i) {
            buckets_[bucket_of(values[i], best)] += static_cast<double>(weights.values[i]);
        }
        total += static_cast<double>(weights.sum());
    }
    double missing = total * static_cast<double>(options_.top_p);
    std::size_t last = 0;
    for (; last + 1 < kBuckets && buckets_[last] < missing; ++last) missing -= buckets_[last];

    const auto begin = candidates_.begin();
    auto end = begin;
    auto sorted = candidates_.end();  // of bucket `last`, filled downwards
    // One bucket more than needed: this bound only has to be below all that is kept.
    const float bound = last + 1 < kBuckets ? best - static_cast<float>(last + 2) / kBucketsPerUnit : -kInfinity;
    for_each_above(scores, std::nextafter(bound, -kInfinity), [&](std::size_t i) {
        const std::size_t bucket = bucket_of(scores[i], best);
        if (bucket < last) *end++ = {scores[i], static_cast<Token>(i)};
        if (bucket == last) *--sorted = {scores[i], static_cast<Token>(i)};
        return bound;
    });
    // The bucket's members, from the end backwards by id: those at the cut stay there, by id forwards; those above it
    // are sorted in front of them.
    const std::span<Candidate> members(sorted, candidates_.end());
    const std::uint32_t cut = find_cut(members, best, missing);
    const auto is_cut = [cut](const Candidate& member) { return key_of(member.score) == cut; };
    auto ties = candidates_.end();
    for (auto i = candidates_.end(); i != sorted;) {
        if (is_cut(*--i)) std::iter_swap(i, --ties);
    }
    std::reverse(ties, candidates_.end());
    const auto is_above = [cut](const Candidate& member) { return key_of(member.score) < cut; };
    const auto above = std::partition(sorted, ties, is_above);
    std::sort(sorted, above, precedes);
    end = std::copy(sorted, above, end);
    if (ties == candidates_.end()) return {begin, end};
    const auto weight = static_cast<double>(exp_negative(ties->score - best));  // the same for all of them
    for (; ties != candidates_.end() && missing > 0.0; ++ties, missing -= weight) *end++ = *ties;
    return {begin, end};
}

// The key of the score at which `missing` runs out when the members' probabilities are taken from it, best first. Takes
// those above the score from it, in groups of neighbouring keys that get ever narrower. Within a bucket of 1/16 all
// sums are exact (at most 2^28 weights of 24 bits, alike in size), so that groups give what single steps would.
std::uint32_t Sampler::find_cut(std::span<const Candidate> members, float best, double& missing) noexcept {
    std::uint32_t first = ~0U, last = 0;  // keys of the group
    for (const Candidate& member : members) {
        first = std::min(first, key_of(member.score));
        last = std::max(last, key_of(member.score));
    }
    while (first < last) {
        const std::uint32_t distance = last - first;
        const int shift = std::max(static_cast<int>(std::bit_width(distance)) - kBucketBits, 0);
        std::fill(buckets_.begin(), buckets_.end(), 0.0);
        for (const Candidate& member : members) {
            const std::uint32_t offset = key_of(member.score) - first;  // huge for keys before the group
            if (offset > distance) continue;
            buckets_[offset >> shift] += static_cast<double>(exp_negative(member.score - best));
        }
        std::uint32_t group = 0;
        for (; group < distance >> shift && buckets_[group] < missing; ++group) missing -= buckets_[group];
        first += group << shift;
        last = std::min(last, first + ((1U << shift) - 1));
    }
    return first;
}

Token Sampler::choose(std::span<Candidate> candidates, const Weighting& weighting) noexcept {
    double total = 0.0;
    for (std::size_t i = 0; i < candidates.size(); i += kBlock) {
        const std::span<Candidate> block = candidates.subspan(i, std::min(kBlock, candidates.size() - i));
        float scores[kBlock];
        std::transform(block.begin(), block.end(), scores, [](const Candidate& candidate) { return candidate.score; });
        const Weights weights({scores, block.size()}, weighting);
        for (std::size_t j = 0; j < block.size(); ++j) block[j].score = weights.values[j];
        total += static_cast<double>(weights.sum());
    }
    double rest = random_.uniform() * total;
    Token chosen = 0;
    for (const Candidate& candidate : candidates) {
        if (candidate.score == 0.0F) continue;
        chosen = candidate.token;  // the last one that has weight when rounding leaves some rest
        rest -= static_cast<double>(candidate.score);
        if (rest < 0.0) break;
    }
    return chosen;
}

Token Sampler::choose_any(std::span<const float> scores, const Weighting& weighting) noexcept {
    double total = 0.0;
    for (std::size_t block = 0; block < block_sums_.size(); ++block) {
        const std::span<const float> values = block_of(scores, block);
        const bool reaches = maximum(values) - weighting.best >= weighting.cut;
        block_sums_[block] = reaches ? Weights(values, weighting).sum() : 0.0F;
        total += static_cast<double>(block_sums_[block]);
    }
    double rest = random_.uniform() * total;
    std::size_t block = 0;  // as above, for blocks and then for the tokens of one
    for (std::size_t i = 0; i < block_sums_.size(); ++i) {
        if (block_sums_[i] == 0.0F) continue;
        block = i;
        if (rest < static_cast<double>(block_sums_[i])) break;
        rest -= static_cast<double>(block_sums_[i]);
    }
    const Weights weights(block_of(scores, block), weighting);
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
        if (weights.values[i] == 0.0F) continue;
        chosen = i;
        rest -= static_cast<double>(weights.values[i]);
        if (rest < 0.0) break;
    }
    return static_cast<Token>(block * kBlock + chosen);
}

}  // namespace linnet
