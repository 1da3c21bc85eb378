// SPDX-License-Identifier: MIT
// The registry of kernels: which tables there are, that none has holes, and that every slot is provided by whom
// tests/kernels/coverage.txt says, so that a kernel which falls back to a slower set does not go unnoticed.
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "kernels/api/slots.hpp"
#include "kernels/support.hpp"
#include "support/fixtures.hpp"

using namespace kernel_test;

namespace {

using Coverage = std::map<std::string, std::map<std::string, std::string>>;  // isa -> slot -> provider

std::vector<std::string> available() {
    const linnet::kernels::IsaList list = linnet::kernels::available_isas();
    return {list.names, list.names + list.n};
}

// Columns: slot, then one per instruction set, as the first line that is no comment names them.
Coverage read_coverage(std::istream& in) {
    Coverage coverage;
    std::vector<std::string> columns;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream words(line);
        std::vector<std::string> row;
        for (std::string word; words >> word;) row.push_back(word);
        if (columns.empty()) {
            columns = row;
            continue;
        }
        for (std::size_t i = 1; i < columns.size() && i < row.size(); ++i) coverage[columns[i]][row[0]] = row[i];
    }
    return coverage;
}

std::string write_coverage(const Coverage& coverage, const std::vector<std::string>& isas) {
    std::string text = "slot";
    for (const std::string& isa : isas) text += " " + isa;
    for (const auto& [slot, ignored] : coverage.at(isas.front())) {
        text += "\n" + slot;
        for (const std::string& isa : isas) text += " " + coverage.at(isa).at(slot);
    }
    return text + "\n";
}

}  // namespace

TEST_CASE("tables: what the build has and this CPU runs") {
    const auto compiled = compiled_isas();
    const auto runs = available();
    REQUIRE_FALSE(runs.empty());
    CHECK(runs.back() == "scalar");
    for (const std::string& isa : compiled) {
        const bool here = std::find(runs.begin(), runs.end(), isa) != runs.end();
        std::cout << (here ? "kernels tested: " : "skipped: this CPU cannot run kernels of ") << isa << "\n";
    }
    for (const std::string& isa : runs) {
        CHECK(std::find(compiled.begin(), compiled.end(), isa) != compiled.end());
        Table t;
        REQUIRE(linnet::kernels::make_table(isa, t));
        CHECK(t.isa == isa);
    }
    Table best;
    REQUIRE(linnet::kernels::make_table("", best));
    CHECK(best.isa == runs.front());
}

TEST_CASE("tables: names that are not there are refused and leave the table alone") {
    for (const char* name : {"avx", "AVX2", "avx2 ", "avx1024", "scala", "scalar2", "sve"}) {
        CAPTURE(name);
        Table t;
        t.isa = "mine";
        CHECK_FALSE(linnet::kernels::make_table(name, t));
        CHECK(std::string_view(t.isa) == "mine");
        CHECK((t.pack_q8.fn == nullptr));
    }
}

TEST_CASE("tables: every slot is filled, by whom coverage.txt says") {
    const std::string file = (fixtures::local().parent_path() / "kernels" / "coverage.txt").string();
    std::ifstream in(file);
    REQUIRE_MESSAGE(in, file);
    const Coverage expected = read_coverage(in);

    Coverage found;
    const auto isas = available();
    for (const std::string& isa : isas) {
        const Table t = table(isa);
        const auto check = [&](const std::string& kernel, const std::string& format, const auto& s) {
            const std::string slot = format.empty() ? kernel : kernel + "." + format;
            CAPTURE(slot);
            CHECK((s.fn != nullptr));
            REQUIRE(s.isa != nullptr);
            CHECK(std::find(isas.begin(), isas.end(), s.isa) != isas.end());
            found[isa][slot] = s.isa;
        };
        linnet::kernels::for_each_slot(check, t);
    }
    std::cout << write_coverage(found, {isas.rbegin(), isas.rend()});
    for (const std::string& isa : isas) {
        CAPTURE(isa);
        REQUIRE(expected.count(isa) == 1);
        const auto& column = expected.at(isa);
        for (const auto& entry : found.at(isa)) {
            const std::string& slot = entry.first;
            CHECK_MESSAGE(column.count(slot) == 1, slot << " is not in coverage.txt");
            if (column.count(slot) == 1) CHECK_MESSAGE(column.at(slot) == entry.second, slot << " of " << isa);
        }
        for (const auto& entry : column) {
            CHECK_MESSAGE(found.at(isa).count(entry.first) == 1, entry.first << " is gone");
        }
    }
}
