// SPDX-License-Identifier: MIT
// Storing keys and values, attention over a span, merging spans: every instruction set against the scalar table, bit by
// bit, and the scalar table against softmax in double. Bounds are derived where they are used; u is 2^-24.
#include <map>

#include "kernels/support.hpp"

using namespace kernel_test;
using linnet::kernels::kKeyTile;
using linnet::kernels::KvFormat;
using linnet::kernels::KvHead;

namespace {

constexpr double kU = 0x1p-24;
constexpr KvFormat kKv[] = {KvFormat::f16, KvFormat::f32, KvFormat::q8};
static_assert(std::size(kKv) == linnet::kernels::kKvFormats);

double half_to_double(std::uint16_t bits) {
    const int exponent = bits >> 10 & 31;
    const double magnitude =
        exponent == 0 ? std::ldexp(bits & 1023, -24) : std::ldexp(1024 + (bits & 1023), exponent - 25);
    return bits >> 15 != 0 ? -magnitude : magnitude;
}

// What the cache holds of x: saturated, to the nearest half float, ties to even.
double stored(KvFormat format, float x) {
    if (format == KvFormat::f32) return x;
    const double limited = std::clamp<double>(x, -65504.0, 65504.0);
    if (limited == 0.0) return limited;
    const double quantum = std::ldexp(1.0, std::max(std::ilogb(limited), -14) - 10);
    return std::nearbyint(limited / quantum) * quantum;
}

// 1 when `got` is not what the cache should hold of x. 8 bits: x within half of d = amax / 127, where amax is that of
// the values which share d, and d is rounded to a half float (by 2^-11, or 2^-25 where that is subnormal).
std::size_t wrong(KvFormat format, float x, double got, double amax) {
    if (format != KvFormat::q8) return got == stored(format, x) ? 0 : 1;
    const double d = amax / 127;
    if (d >= 65504.0) return std::isfinite(got) ? 0 : 1;  // saturates
    return std::abs(got - x) <= d / 2 * 1.001 + 127 * (d * 0x1p-11 + 0x1p-25) ? 0 : 1;
}

// A ring with guarded ends, filled through store_kv of one table.
struct Cache {
    KvFormat format;
    Guarded<std::byte> keys;
    Guarded<std::byte> values;
    KvHead kv;

    Cache(KvFormat f, std::size_t ring, std::size_t head_dim)
        : format(f),
          keys(linnet::kernels::key_bytes(f, head_dim, ring)),
          values(linnet::kernels::value_bytes(f, head_dim, ring)),
          kv{keys.data(), values.data(), ring, head_dim} {
        std::memset(keys.data(), 0, keys.size());  // as the owner does: what is masked must be finite
        std::memset(values.data(), 0, values.size());
    }
    void store(const Table& t, std::int64_t pos, const float* key, const float* value) const {
        t.store_kv[static_cast<std::size_t>(format)].fn(kv, pos, key, value);
    }
    // By the layouts that kernels/api/table.hpp describes.
    std::vector<float> key(std::int64_t pos) const {
        const std::size_t slot = static_cast<std::size_t>(pos) % kv.ring;
        std::vector<float> row(kv.head_dim);
        if (format == KvFormat::q8) {
            const FormatInfo& f = linnet::kernels::info(Format::q8_0);
            const std::size_t tile = linnet::kernels::tile_bytes(f, kv.head_dim);
            scalar().read_row[index(f)].fn(keys.data() + slot / 16 * tile, slot % 16, kv.head_dim, row.data());
            return row;
        }
        for (std::size_t d = 0; d < kv.head_dim; ++d) {
            row[d] = static_cast<float>(element(keys, slot / 16 * 16 * kv.head_dim + d * 16 + slot % 16));
        }
        return row;
    }
    double value(std::int64_t pos, std::size_t d) const {
        const std::size_t slot = static_cast<std::size_t>(pos) % kv.ring;
        if (format == KvFormat::q8) {
            std::int8_t q;
            std::memcpy(&q, value_block(slot) + d / 16 * 512 + slot % 32 / 4 * 64 + d % 16 * 4 + slot % 4, 1);
            return value_scale(pos) * q;
        }
        return element(values, slot * kv.head_dim + d);
    }

    // Of an 8-bit cache; 0 otherwise.
    double value_scale(std::int64_t pos) const {
        if (format != KvFormat::q8) return 0.0;
        const std::size_t slot = static_cast<std::size_t>(pos) % kv.ring;
        std::uint16_t bits;
        std::memcpy(&bits, value_block(slot) + 32 * kv.head_dim + slot % 32 * 2, 2);
        return half_to_double(bits);
    }

  private:
    const std::byte* value_block(std::size_t slot) const {
        return values.data() + slot / 32 * linnet::kernels::value_bytes(format, kv.head_dim, 32);
    }
    double element(const Guarded<std::byte>& from, std::size_t i) const {
        if (format == KvFormat::f16) {
            std::uint16_t bits;
            std::memcpy(&bits, from.data() + 2 * i, 2);
            return half_to_double(bits);
        }
        float value;
        std::memcpy(&value, from.data() + 4 * i, 4);
        return value;
    }
};

struct Result {
    std::vector<float> m;
    std::vector<float> l;
    std::vector<float> o;
    // Zeros of either sign are the same maximum: e^(s - m) does not tell them apart, and nothing else sees m.
    bool operator==(const Result& other) const {
        const auto same_m = [](float a, float b) { return a == b || same(a, b); };
        return std::equal(m.begin(), m.end(), other.m.begin(), other.m.end(), same_m) && same(l, other.l) &&
               same(o, other.o);
    }
};

struct Queries {
    std::vector<float> q;  // [n][head_dim]
    std::vector<std::int64_t> first;
    std::vector<std::int64_t> last;
    float cap = 0.0F;
    std::size_t size() const { return first.size(); }
};

Result attend(const Table& t, const Cache& cache, const Queries& queries, std::int64_t begin, std::int64_t end) {
    const std::size_t n = queries.size();
    const Guarded<float> q(queries.q);
    const Guarded<std::int64_t> first(queries.first);
    const Guarded<std::int64_t> last(queries.last);
    const Guarded<float> m(n);
    const Guarded<float> l(n * 16);
    const Guarded<float> o(n * cache.kv.head_dim);
    const Guarded<float> scores(n * kKeyTile);
    const Guarded<std::byte> panel(linnet::kernels::activation_bytes(Activations::q8, cache.kv.head_dim, n));
    t.attention[static_cast<std::size_t>(cache.format)].fn({cache.kv, q.data(), n, first.data(), last.data(), begin,
                                                            end, m.data(), l.data(), o.data(), scores.data(),
                                                            panel.data(), queries.cap});
    CHECK(m.front_untouched());
    CHECK(l.front_untouched());
    CHECK(o.front_untouched());
    CHECK(scores.front_untouched());
    CHECK(panel.front_untouched());
    return {m.copy(), l.copy(), o.copy()};
}

// Column c as the cache's kernels see it.
std::vector<double> query(const Cache& cache, const Queries& queries, std::size_t c) {
    const auto q = std::span(queries.q).subspan(c * cache.kv.head_dim, cache.kv.head_dim);
    std::vector<double> result(q.begin(), q.end());
    for (std::size_t b = 0; cache.format == KvFormat::q8 && b < q.size(); b += 32) {
        float amax = 0.0F;
        for (std::size_t i = b; i < b + 32; ++i) amax = std::max(amax, std::abs(q[i]));
        for (std::size_t i = b; i < b + 32; ++i) {
            const float rounded = amax < 1e-30F ? 0.0F : std::nearbyint(q[i] * (127.0F / amax));
            result[i] = static_cast<double>(rounded) * (amax / 127.0F);
        }
    }
    return result;
}

// Softmax of column c in double against o / sum(l), with the keys and values that the cache holds.
//
// A score is a chain of head_dim fmas: an error of head_dim u sum |q k|. p = e^(s - m): twice that (m is a score as
// well), the subtraction's u |s - m| and the exponential's 8 u, relative. p v has a chain of n_keys fmas, l one of
// n_keys / 16 sums, and both are rescaled at most once a tile by a factor within 9 u: with the quotient at the end
// (2 n_keys + 20 n_tiles + 8) u relative to sum(p |v|), which is at most max |v|. Both numerator and denominator have
// p's error.
// A cap lets a score's error through as it is or less, and adds 12 u of itself (softcap's test).
// An 8-bit cache takes queries as pack_q8 rounds them, which is done here as well, and rounds p times the scale d of a
// value to 127ths of the largest of 32 positions: an error of max(p d) / 254 at most, times the value's 8-bit number.
void check_formula(const Cache& cache, const Queries& queries, std::size_t c, std::int64_t begin, std::int64_t end,
                   const Result& result) {
    const std::size_t head_dim = cache.kv.head_dim;
    const std::int64_t first = std::max(begin, queries.first[c]);
    const std::int64_t last = std::min(end - 1, queries.last[c]);
    if (first > last) {  // nothing is visible
        CHECK(result.m[c] == -1e30F);
        for (std::size_t i = 0; i < 16; ++i) CHECK(result.l[c * 16 + i] == 0.0F);
        for (std::size_t d = 0; d < head_dim; ++d) CHECK(result.o[c * head_dim + d] == 0.0F);
        return;
    }
    const std::vector<double> q = query(cache, queries, c);
    std::vector<double> scores;
    double magnitude = 0.0;
    for (std::int64_t pos = first; pos <= last; ++pos) {
        double score = 0.0;
        double sum = 0.0;
        const auto key = cache.key(pos);
        for (std::size_t d = 0; d < head_dim; ++d) {
            score += q[d] * key[d];
            sum += std::abs(q[d] * key[d]);
        }
        scores.push_back(queries.cap == 0.0F ? score : queries.cap * std::tanh(score / queries.cap));
        magnitude = std::max(magnitude, sum);
    }
    const double top = *std::max_element(scores.begin(), scores.end());
    const double bottom = *std::min_element(scores.begin(), scores.end());
    const double score_error = (static_cast<double>(head_dim) * magnitude + 12 * queries.cap) * kU;
    CHECK(std::abs(result.m[c] - top) <= score_error);
    double total = 0.0;
    for (const double s : scores) total += std::exp(s - top);
    const double n_keys = static_cast<double>(scores.size());
    const double relative = 2 * (2 * score_error + (std::min(top - bottom, 90.0) + 8) * kU) +
                            (2 * n_keys + 20 * static_cast<double>((end - begin) / 64) + 8) * kU;
    float sum = 0.0F;
    for (std::size_t i = 0; i < 16; ++i) sum += result.l[c * 16 + i];
    // max(p d) / 254 of each block of 32 positions; zero without rounding.
    std::map<std::int64_t, double> steps;
    for (std::int64_t pos = first; pos <= last; ++pos) {
        const double p = std::exp(scores[static_cast<std::size_t>(pos - first)] - top);
        steps[pos / 32] = std::max(steps[pos / 32], p * cache.value_scale(pos) / 254 * 1.001);
    }
    std::vector<double> expected(head_dim);
    std::vector<double> largest(head_dim);
    std::vector<double> rounding(head_dim);
    for (std::int64_t pos = first; pos <= last; ++pos) {
        const double p = std::exp(scores[static_cast<std::size_t>(pos - first)] - top) / total;
        const double scale = cache.value_scale(pos);
        for (std::size_t d = 0; d < head_dim; ++d) {
            const double v = cache.value(pos, d);
            expected[d] += p * v;
            largest[d] = std::max(largest[d], std::abs(v));
            if (scale > 0.0) rounding[d] += steps[pos / 32] / total * std::abs(v) / scale;
        }
    }
    for (std::size_t d = 0; d < head_dim; ++d) {
        const double error = std::abs(result.o[c * head_dim + d] / sum - expected[d]);
        CHECK(error <= relative * largest[d] + rounding[d] + 1e-37);
    }
}

// Positions [from, to) of random keys and values.
void fill(const Cache& cache, std::int64_t from, std::int64_t to, Random& random, float scale = 1.0F) {
    for (std::int64_t pos = from; pos < to; ++pos) {
        const auto key = random.units(cache.kv.head_dim, scale);
        const auto value = random.units(cache.kv.head_dim, 2.0F);
        cache.store(scalar(), pos, key.data(), value.data());
    }
}

// n queries over positions up to `last`, with windows that end and begin at all kinds of places of [begin, end).
Queries make_queries(std::size_t n, std::size_t head_dim, std::int64_t begin, std::int64_t end, Random& random) {
    Queries queries;
    queries.q = random.units(n * head_dim, 1.0F);
    const auto span = static_cast<std::size_t>(end - begin);
    for (std::size_t c = 0; c < n; ++c) {
        const std::int64_t last = begin + static_cast<std::int64_t>(random.below(span));
        std::int64_t first = 0;
        if (c % 3 == 1) first = std::max<std::int64_t>(0, last - static_cast<std::int64_t>(random.below(100)));
        if (c % 7 == 5) first = last + 1;  // sees nothing
        queries.first.push_back(first);
        queries.last.push_back(last);
    }
    return queries;
}

}  // namespace

TEST_CASE("store_kv: layout, rounding, saturation; same bits") {
    Random random(21);
    for (const KvFormat format : kKv) {
        for (const std::size_t head_dim : Sizes{32, 64, 96, 128, 256}) {
            CAPTURE(head_dim);
            for (const std::int64_t pos : {0, 1, 15, 16, 63, 64, 100, 127, 128, 12345, 1 << 20}) {
                CAPTURE(pos);
                for (const Values kind : kAllValues) {
                    const Guarded<float> key(make_values(kind, head_dim, random));
                    const Guarded<float> value(make_values(kind, head_dim, random));
                    const Cache expected(format, 128, head_dim);
                    expected.store(scalar(), pos, key.data(), value.data());
                    for (const Table& t : simd_tables()) {
                        CAPTURE(std::string(t.isa));
                        const Cache cache(format, 128, head_dim);
                        cache.store(t, pos, key.data(), value.data());
                        CHECK(cache.keys.copy() == expected.keys.copy());
                        CHECK(cache.values.copy() == expected.values.copy());
                        CHECK(cache.keys.front_untouched());
                        CHECK(cache.values.front_untouched());
                    }
                    std::size_t n_wrong = 0;
                    for (std::size_t d = 0; d < head_dim; ++d) {
                        const auto amax = [&](const Guarded<float>& x, std::size_t from, std::size_t to) {
                            double highest = 0.0;
                            for (std::size_t i = from; i < to; ++i)
                                highest = std::max<double>(highest, std::abs(x.data()[i]));
                            return highest;
                        };
                        const std::size_t b = d / 32 * 32;
                        n_wrong += wrong(format, key.data()[d], expected.key(pos)[d], amax(key, b, b + 32));
                        n_wrong += wrong(format, value.data()[d], expected.value(pos, d), amax(value, 0, head_dim));
                        if (expected.key(pos + 1)[d] != 0.0F || expected.value(pos + 1, d) != 0.0) ++n_wrong;
                    }
                    CHECK(n_wrong == 0);
                }
            }
        }
    }
}

TEST_CASE("store_kv: what is stored is finite in caches of fewer bits") {
    std::vector<Table> tables = simd_tables();
    tables.push_back(scalar());
    constexpr float kInf = std::numeric_limits<float>::infinity();
    std::vector<float> bad = {kInf, -kInf, std::nanf(""), -std::nanf(""), 65519.9F, 65520.0F, -65520.0F, 1e38F};
    bad.resize(32, 65504.0F);
    for (const Table& t : tables) {
        CAPTURE(std::string(t.isa));
        for (const KvFormat format : {KvFormat::f16, KvFormat::q8}) {
            for (std::size_t turn = 0; turn < 32; ++turn) {
                std::rotate(bad.begin(), bad.begin() + 1, bad.end());
                const Cache cache(format, 64, 32);
                cache.store(t, 3, bad.data(), bad.data());
                std::size_t n_bad = 0;
                for (std::size_t d = 0; d < 32; ++d) {
                    n_bad += std::abs(cache.key(3)[d]) <= 65504.0F * 127 ? 0 : 1;
                    n_bad += std::abs(cache.value(3, d)) <= 65504.0 * 127 ? 0 : 1;
                }
                CHECK(n_bad == 0);
            }
        }
    }
}

TEST_CASE("store_kv: every half float is kept") {
    std::vector<Table> tables = simd_tables();
    tables.push_back(scalar());
    for (const Table& t : tables) {
        CAPTURE(std::string(t.isa));
        const Cache cache(KvFormat::f16, 64, 32);
        std::size_t n_changed = 0;
        for (std::uint32_t first = 0; first < 0x7c00; first += 32) {
            std::vector<float> halves;
            for (std::uint32_t i = 0; i < 32; ++i) {
                const std::uint32_t bits = (first + i) | (i % 2 == 0 ? 0 : 0x8000U);
                halves.push_back(static_cast<float>(half_to_double(static_cast<std::uint16_t>(bits))));
            }
            cache.store(t, 0, halves.data(), halves.data());
            for (std::size_t d = 0; d < 32; ++d) n_changed += cache.value(0, d) != halves[d] ? 1 : 0;
        }
        CHECK(n_changed == 0);
    }
}

TEST_CASE("attention: same bits for every head size and number of columns, and softmax in double") {
    Random random(22);
    for (const KvFormat format : kKv) {
        for (const std::size_t head_dim : Sizes{32, 64, 96, 128, 256}) {
            CAPTURE(head_dim);
            const Cache cache(format, 512, head_dim);
            fill(cache, 0, 200, random);
            for (const std::size_t n : Sizes{1, 2, 3, 4, 5, 6, 7, 8, 9, 17}) {
                CAPTURE(n);
                auto queries = make_queries(n, head_dim, 0, 200, random);
                if (n % 2 == 0) queries.cap = 2.0F;  // scores reach some multiples of it
                const std::int64_t begin = n % 4 == 3 ? 64 : 0;
                const Result expected = attend(scalar(), cache, queries, begin, 256);
                for (const Table& t : simd_tables()) {
                    CAPTURE(std::string(t.isa));
                    CHECK(attend(t, cache, queries, begin, 256) == expected);
                }
                for (std::size_t c = 0; c < n; ++c) check_formula(cache, queries, c, begin, 256, expected);
            }
        }
    }
}

TEST_CASE("attention: rings wrap") {
    Random random(23);
    for (const KvFormat format : kKv) {
        for (const std::size_t ring : Sizes{64, 128, 192}) {
            CAPTURE(ring);
            const Cache cache(format, ring, 32);
            const std::int64_t n_pos = 1000;
            fill(cache, 0, n_pos, random);
            // The last positions, as far as the ring holds them; older ones share their slots and are masked.
            Queries queries;
            for (std::int64_t c = 0; c < 5; ++c) {
                queries.last.push_back(n_pos - 1 - 3 * c);
                queries.first.push_back(std::max<std::int64_t>(n_pos - static_cast<std::int64_t>(ring), 900 - 10 * c));
            }
            queries.q = random.units(5 * 32);
            const std::int64_t begin = queries.first.back() / 64 * 64;
            const Result expected = attend(scalar(), cache, queries, begin, 1024);
            for (const Table& t : simd_tables()) {
                CAPTURE(std::string(t.isa));
                CHECK(attend(t, cache, queries, begin, 1024) == expected);
            }
            for (std::size_t c = 0; c < 5; ++c) check_formula(cache, queries, c, begin, 1024, expected);
        }
    }
}

TEST_CASE("attention: a column does not depend on the others, nor on tiles that it does not see") {
    Random random(24);
    std::vector<Table> tables = simd_tables();
    tables.push_back(scalar());
    for (const KvFormat format : kKv) {
        const Cache cache(format, 512, 64);
        fill(cache, 0, 512, random, 3.0F);
        Queries queries = make_queries(11, 64, 130, 300, random);
        for (std::int64_t& first : queries.first) first = std::max<std::int64_t>(first, 128);
        for (const Table& t : tables) {
            CAPTURE(std::string(t.isa));
            const Result together = attend(t, cache, queries, 128, 320);
            CHECK(attend(t, cache, queries, 0, 512) == together);
            for (std::size_t c = 0; c < queries.size(); ++c) {
                Queries one;
                one.q.assign(queries.q.begin() + static_cast<std::ptrdiff_t>(c * 64),
                             queries.q.begin() + static_cast<std::ptrdiff_t>(c * 64 + 64));
                one.first = {queries.first[c]};
                one.last = {queries.last[c]};
                const Result alone = attend(t, cache, one, 128, 320);
                CHECK(same(alone.m[0], together.m[c]));
                CHECK(same(alone.l, std::span(together.l).subspan(c * 16, 16)));
                CHECK(same(alone.o, std::span(together.o).subspan(c * 64, 64)));
            }
        }
    }
}

TEST_CASE("attention: extreme scores, and values that are no numbers, give the same bits or at least survive") {
    Random random(25);
    for (const KvFormat format : kKv) {
        const Cache cache(format, 128, 32);
        for (const Values kind : kAllValues) {
            for (std::int64_t pos = 0; pos < 128; ++pos) {
                const auto key = make_values(kind, 32, random);
                const auto value = make_values(pos % 2 == 0 ? kind : Values::mixed, 32, random);
                cache.store(scalar(), pos, key.data(), value.data());
            }
            for (const Values query : {Values::normal, Values::zero, Values::tiny, Values::spike, Values::mixed}) {
                auto queries = make_queries(6, 32, 0, 128, random);
                queries.q = make_values(query, 6 * 32, random);
                const Result expected = attend(scalar(), cache, queries, 0, 128);
                // Sums of products beyond the range of float have infinities of both signs: no promise of bits.
                const bool finite =
                    std::all_of(expected.o.begin(), expected.o.end(), [](float o) { return std::isfinite(o); });
                for (const Table& t : simd_tables()) {
                    CAPTURE(std::string(t.isa));
                    const Result result = attend(t, cache, queries, 0, 128);
                    if (finite) CHECK(result == expected);
                }
            }
        }
        auto queries = make_queries(3, 32, 0, 128, random);
        queries.q[5] = std::nanf("");
        queries.q[40] = std::numeric_limits<float>::infinity();
        (void)attend(scalar(), cache, queries, 0, 128);
        for (const Table& t : simd_tables()) (void)attend(t, cache, queries, 0, 128);
    }
}

TEST_CASE("merge_attention and finish_attention: same bits, and the formulas in double") {
    Random random(26);
    for (const std::size_t head_dim : Sizes{32, 64, 96, 128, 256}) {
        for (const float total_m : {-1e30F, -3.0F, 0.0F, 5.0F, 80.0F}) {
            for (const float m : {-1e30F, -100.0F, -3.0F, 0.5F, 5.0F}) {
                std::vector<float> l = random.units(16);
                std::vector<float> total_l = random.units(16);
                for (std::size_t i = 0; i < 16; ++i) {
                    l[i] = m == -1e30F ? 0.0F : std::abs(l[i]) + 0.1F;
                    total_l[i] = total_m == -1e30F ? 0.0F : std::abs(total_l[i]) + 0.1F;
                }
                const auto o = random.units(head_dim, m == -1e30F ? 0.0F : 2.0F);
                const auto total_o = random.units(head_dim, total_m == -1e30F ? 0.0F : 2.0F);
                const auto run = [&](const Table& t) {
                    const Guarded<float> result_l(total_l);
                    const Guarded<float> result_o(total_o);
                    const Guarded<float> y(head_dim);
                    const Guarded<float> result_m(1, &total_m);
                    const Guarded<float> span_l(l);
                    const Guarded<float> span_o(o);
                    t.merge_attention.fn(&m, span_l.data(), span_o.data(), head_dim, result_m.data(), result_l.data(),
                                         result_o.data());
                    t.finish_attention.fn(result_l.data(), result_o.data(), head_dim, y.data());
                    CHECK(y.front_untouched());
                    std::vector<float> all = result_l.copy();
                    const auto o_copy = result_o.copy();
                    const auto y_copy = y.copy();
                    all.insert(all.end(), o_copy.begin(), o_copy.end());
                    all.insert(all.end(), y_copy.begin(), y_copy.end());
                    all.push_back(result_m.data()[0]);
                    return all;
                };
                const auto expected = run(scalar());
                for (const Table& t : simd_tables()) {
                    CAPTURE(std::string(t.isa));
                    CHECK(same(run(t), expected));
                }
                CHECK(expected.back() == std::max(m, total_m));
                if (std::max(m, total_m) == -1e30F) continue;  // 0 / 0
                // Each factor within 8 u + u |difference|, a product and an fma: 12 u and the arguments' rounding.
                const double top = std::max(m, total_m);
                const double old_scale = std::exp(total_m - top);
                const double new_scale = std::exp(m - top);
                const double relative = (12 + std::min(std::abs(static_cast<double>(m) - total_m), 90.0)) * kU;
                double sum = 0.0;
                for (std::size_t i = 0; i < 16; ++i) {
                    const double value = l[i] * new_scale + total_l[i] * old_scale;
                    sum += value;
                    CHECK(std::abs(expected[i] - value) <= relative * value + 1e-37);
                }
                for (std::size_t d = 0; d < head_dim; ++d) {
                    const double value = o[d] * new_scale + total_o[d] * old_scale;
                    const double bound = relative * (std::abs(o[d] * new_scale) + std::abs(total_o[d] * old_scale));
                    CHECK(std::abs(expected[16 + d] - value) <= bound + 1e-37);
                    // The quotient of those: the tree of 16 sums, the inverse and the product, 6 u more; and l's.
                    const double rest = std::abs(value / sum) * (relative + 6 * kU);
                    CHECK(std::abs(expected[16 + head_dim + d] - value / sum) <= bound / sum + rest + 1e-37);
                }
            }
        }
    }
}
