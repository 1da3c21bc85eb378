#include "constrain/grammar.hpp"
namespace linnet::constrain {
Grammar Grammar::from_gbnf(std::string_view, Memory&, const GrammarLimits&) { throw Error(Status::unsupported, "x"); }
}
