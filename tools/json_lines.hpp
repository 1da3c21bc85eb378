// SPDX-License-Identifier: MIT
// Commands as services: one JSON object a line in, one out, in order and flushed line by line.
#pragma once

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/commands.hpp"

namespace tools {

using Json = nlohmann::ordered_json;

// ASCII only: many readers of lines take U+2028 and its like for the end of one.
inline void write_line(const Json& line) {
    std::cout << line.dump(-1, ' ', true, Json::error_handler_t::replace) << '\n' << std::flush;
}

// answer(Json) -> Json. A line that cannot be answered gives {"error": ...} and exit status 1. Empty lines are passed
// over.
template <class Answer>
void answer_lines(int& status, Answer answer) {
    std::string line;
    while (std::getline(std::cin, line)) {
        if (line.empty()) continue;
        Json result;
        try {
            result = answer(Json::parse(line));
        } catch (const std::exception& error) {
            result = {{"error", error.what()}};
            status = kExitFailure;
        }
        write_line(result);
    }
}

}  // namespace tools
