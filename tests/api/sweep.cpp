// SPDX-License-Identifier: MIT
// Every exported function, called with everything that is wrong: nulls, sizes, numbers out of range. The list of
// functions here is compared with bindings/c/symbols.txt, so that a new export has to be added.
#include "api/sweep.hpp"

using namespace sweep;

namespace {

Table all_exports() {
    Table table;
    add_engine(table);
    add_model(table);
    add_tokens(table);
    add_sampler(table);
    add_session(table);
    add_structure(table);
    add_chat(table);
    add_reply(table);
    add_embed(table);
    add_tools(table);
    return table;
}

}  // namespace

TEST_CASE("sweep: every export is in it") {
    std::ifstream file(fixtures::local() / "../../bindings/c/symbols.txt");
    REQUIRE(file.is_open());
    std::set<std::string> symbols;
    for (std::string line; std::getline(file, line);) {
        if (!line.empty() && line[0] != '#') symbols.insert(line.substr(0, line.find(' ')));
    }
    std::set<std::string> tested;
    for (const auto& [name, test] : all_exports()) tested.insert(name);
    CHECK(symbols == tested);
}

TEST_CASE("sweep: every export refuses what is wrong") {
    const auto path = api::tiny_model();
    if (!path) return;
    for (const auto& [name, test] : all_exports()) {
        SUBCASE(name.c_str()) {
            Sweep sweep(*path);
            test(sweep);
        }
    }
}
