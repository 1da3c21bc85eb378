// SPDX-License-Identifier: MIT
// Stop texts: what is shown of random texts, cut at random places, against a search in the whole text; and what a
// session makes of them.
#include "session/stops.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "session/session.hpp"
#include "support/fixtures.hpp"

using linnet::DoneReason;
using linnet::Event;
using linnet::EventKind;
using linnet::Memory;
using linnet::Session;
using linnet::Stops;
using linnet::Token;

namespace {

constexpr std::size_t kCapacity = 64;  // the longest piece

std::string random_text(std::mt19937& random, std::size_t least, std::size_t most) {
    std::string text(least + random() % (most - least + 1), 'a');
    for (char& c : text) c = static_cast<char>('a' + random() % 2);
    return text;
}

// Where the stop text begins that ends first, the longest of several; npos when there is none.
std::size_t first_stop(const std::string& text, const std::vector<std::string>& stops) {
    for (std::size_t end = 1; end <= text.size(); ++end) {
        std::size_t begin = std::string::npos;
        for (const std::string& stop : stops) {
            if (stop.size() <= end && text.compare(end - stop.size(), stop.size(), stop) == 0) {
                begin = std::min(begin, end - stop.size());
            }
        }
        if (begin != std::string::npos) return begin;
    }
    return std::string::npos;
}

// How much of the end may become a stop text.
std::size_t n_open(const std::string& text, const std::vector<std::string>& stops) {
    for (std::size_t n = text.size(); n > 0; --n) {
        for (const std::string& stop : stops) {
            if (n < stop.size() && stop.compare(0, n, text, text.size() - n, n) == 0) return n;
        }
    }
    return 0;
}

}  // namespace

TEST_CASE("stops: what is shown is the text up to the first stop, whatever the pieces, and nothing waits in vain") {
    std::mt19937 random(5);
    int n_stopped = 0;
    for (int round = 0; round < 2000; ++round) {
        Memory memory;
        std::vector<std::string> stops(1 + random() % 3);
        for (std::string& stop : stops) stop = random_text(random, 2, 6);
        const std::vector<std::string_view> views(stops.begin(), stops.end());
        Stops finder(views, {}, kCapacity, memory);
        const std::uint64_t n_allocations = memory.n_allocations();
        const std::string text = random_text(random, 0, 20);
        const std::size_t stop = first_stop(text, stops);
        std::string shown;
        bool stopped = false;
        for (std::size_t at = 0; at < text.size() && !stopped;) {
            const std::string piece = text.substr(at, 1 + random() % 4);
            at += piece.size();
            const Stops::Shown part = finder.push(piece);
            shown += part.text;
            stopped = part.stopped;
            const std::string so_far = text.substr(0, at);
            if (!stopped) CHECK(shown.size() == so_far.size() - n_open(so_far, stops));
        }
        CHECK(stopped == (stop != std::string::npos));
        if (!stopped) shown += finder.finish("");
        CHECK(shown == text.substr(0, stop));
        CHECK(memory.n_allocations() == n_allocations);
        n_stopped += stopped ? 1 : 0;
    }
    CHECK(n_stopped > 500);
    CHECK(n_stopped < 1900);
}

TEST_CASE("stops: the end of a text, the next text, and what is taken back") {
    Memory memory;
    const std::string_view texts[] = {"</s>"};
    Stops stops(texts, {}, kCapacity, memory);
    CHECK(stops.push("a</").text == "a");
    CHECK(stops.finish("s") == "</s");
    CHECK(stops.push("b</").text == "b");
    stops.restart();  // what was held is text, and begins no stop text any more
    const Stops::Shown next = stops.push("s>c");
    CHECK(!next.stopped);
    CHECK(next.text == "</s>c");
    CHECK(stops.push("d</s").text == "d");
    stops.reset();
    CHECK(stops.push(">").text == ">");
    const Stops::Shown last = stops.push("e</s>f");
    CHECK(last.stopped);
    CHECK(last.text == "e");
    CHECK(stops.push("g</").text == "g");  // of what was behind the stop nothing is left
    stops.restart();
    CHECK(stops.push("s").text == "</s");  // nor does it wait for what would make one with the text before
    CHECK(stops.push("h</").text == "h");
    stops.restart();
    stops.reset();
    CHECK(stops.push("</s>").stopped);
}

TEST_CASE("stops: held back text has its place from the start") {
    Memory memory;
    const std::string text(400, 'x'), stop = text + "y";
    const std::string_view texts[] = {stop};
    Stops stops(texts, {}, kCapacity, memory);
    const std::uint64_t n_allocations = memory.n_allocations();
    for (std::size_t i = 0; i < text.size(); i += kCapacity) {
        CHECK(stops.push(std::string_view(text).substr(i, kCapacity)).text.empty());
    }
    stops.restart();
    for (std::size_t i = 0; i + kCapacity < text.size(); i += kCapacity) {
        CHECK(stops.push(std::string_view(text).substr(i, kCapacity)).text.size() == (i == 0 ? text.size() : 0));
    }
    CHECK(!stops.finish("").empty());
    CHECK(memory.n_allocations() == n_allocations);
}

TEST_CASE("stops: what is refused is named, and leaves nothing") {
    Memory memory;
    const auto refusal = [&](std::span<const std::string_view> texts) {
        try {
            const Stops stops(texts, {}, kCapacity, memory);
        } catch (const linnet::Error& error) {
            CHECK(error.status() == linnet::Status::invalid_argument);
            return std::string(error.what());
        }
        return std::string();
    };
    const std::string half(Stops::kMaxBytes / 2, 'x'), more = half + "x";
    CHECK(refusal({{half, half}}).empty());
    CHECK(refusal({{half, more}}) == "texts: more than 4096 bytes in all");
    CHECK(refusal({{"a", ""}}) == "texts[1] is empty");
    CHECK(refusal({{"\xc3\xa9", "\xc3"}}) == "texts[1] is no UTF-8");
    CHECK(memory.used() == 0);
}

TEST_CASE("stops: a session ends at them, and what it holds back is shown when it is certain") {
    const auto engine = std::make_shared<linnet::Engine>(linnet::EngineOptions{});
    const std::string path = (fixtures::models() / "tiny-tales-6m-Q8_0.gguf").string();
    auto file = linnet::gguf::File::open(path, true, engine->memory);
    const auto model = std::make_shared<const linnet::Model>(engine, std::move(file), linnet::LoadOptions{});
    Session session(model, {.n_ctx = 128});
    session.append_text("Once upon a time", {});
    const std::size_t start = session.tokens().size();
    // A step that chooses the token of this text.
    const auto force = [&](std::string_view text) {
        std::pmr::vector<Token> ids;
        model->tokenizer().encode(text, {.add_special = false, .in_text = true}, ids);
        REQUIRE(ids.size() == 1);
        const linnet::LogitBias biases[] = {{ids[0], 1000.0F}};
        session.set_sampler(std::make_shared<linnet::Sampler>(
            model->spec().n_vocab, linnet::SamplerOptions{.biases = biases}, engine->memory));
        Event event = session.step(0);
        while (event.kind == EventKind::progress) event = session.step(0);
        CHECK(event.token == ids[0]);
        return event;
    };
    std::pmr::vector<Token> stop_token;
    model->tokenizer().encode("z", {.add_special = false, .in_text = true}, stop_token);
    const std::string_view texts[] = {"ab!", "q"};
    session.set_stops(texts, stop_token);
    CHECK(force("x").text == "x");
    CHECK(force("a").text.empty());
    CHECK(force("b").text.empty());
    const Event stopped = force("!");
    CHECK(stopped.kind == EventKind::done);
    CHECK(stopped.reason == DoneReason::stop);
    CHECK(stopped.text.empty());
    CHECK(session.tokens().size() == start + 4);
    CHECK(force("a").text.empty());
    const Event by_token = force("z");  // its text is not shown, what was held back is
    CHECK(by_token.kind == EventKind::done);
    CHECK(by_token.reason == DoneReason::stop);
    CHECK(by_token.text == "a");
    CHECK(force("a").text.empty());
    CHECK(session.finish(DoneReason::max_tokens).text == "a");
    CHECK(force("a").text.empty());
    session.truncate(session.tokens().size() - 1);
    CHECK(force("b").text == "b");  // what was taken back is not shown
    CHECK(force("a").text.empty());
    session.append({});  // another text: what is held back begins no stop text any more
    CHECK(force("b").text == "ab");
    CHECK(force("!").kind == EventKind::token);
    session.set_stops({}, {});
    CHECK(force("a").text == "a");
    CHECK(force("z").kind == EventKind::token);
}
