// SPDX-License-Identifier: MIT
// Stop texts: what is shown of random texts, cut at random places, against a search in the whole text.
#include "session/stops.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"

using linnet::Memory;
using linnet::Stops;

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
}
