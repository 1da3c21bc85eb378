// SPDX-License-Identifier: MIT
// The formats of JSON schema (2020-12, validation, section 7.3) as regular expressions. Other formats are nobody's but
// the schema's author's and mean nothing to a validator.
#include <array>

#include "constrain/schemas.hpp"

namespace linnet::constrain {

namespace {

#define LINNET_DATE                                                                                             \
    "(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))" \
    "|(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
#define LINNET_TIME "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)"
#define LINNET_IPV4_BYTE "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define LINNET_IPV4 LINNET_IPV4_BYTE "(\\." LINNET_IPV4_BYTE "){3}"
#define LINNET_H16 "[0-9A-Fa-f]{1,4}"
#define LINNET_LS32 "(" LINNET_H16 ":" LINNET_H16 "|" LINNET_IPV4 ")"
#define LINNET_IPV6                                                                                                   \
    "((" LINNET_H16 ":){6}" LINNET_LS32 "|::(" LINNET_H16 ":){5}" LINNET_LS32 "|(" LINNET_H16 ")?::(" LINNET_H16      \
    ":){4}" LINNET_LS32 "|((" LINNET_H16 ":){0,1}" LINNET_H16 ")?::(" LINNET_H16 ":){3}" LINNET_LS32 "|((" LINNET_H16 \
    ":){0,2}" LINNET_H16 ")?::(" LINNET_H16 ":){2}" LINNET_LS32 "|((" LINNET_H16 ":){0,3}" LINNET_H16                 \
    ")?::" LINNET_H16 ":" LINNET_LS32 "|((" LINNET_H16 ":){0,4}" LINNET_H16 ")?::" LINNET_LS32 "|((" LINNET_H16       \
    ":){0,5}" LINNET_H16 ")?::" LINNET_H16 "|((" LINNET_H16 ":){0,6}" LINNET_H16 ")?::)"
#define LINNET_LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define LINNET_HOST LINNET_LABEL "(\\." LINNET_LABEL ")*"
#define LINNET_ATOM "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define LINNET_PCHAR "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
#define LINNET_QUERY "(\\?(" LINNET_PCHAR "|[/?])*)?(#(" LINNET_PCHAR "|[/?])*)?"
#define LINNET_AUTHORITY                                                 \
    "(([A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?(\\[" LINNET_IPV6 \
    "\\]|([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(:\\d*)?"
#define LINNET_SEGMENTS "(/" LINNET_PCHAR "*)*"
#define LINNET_VARIABLE "([A-Za-z0-9_]|%[0-9A-Fa-f]{2})(\\.?([A-Za-z0-9_]|%[0-9A-Fa-f]{2}))*(:[1-9]\\d{0,3}|\\*)?"

struct Format {
    std::string_view name, pattern;
};

constexpr Format kFormats[] = {
    Format{"date", "^" LINNET_DATE "$"},
    Format{"time", "^" LINNET_TIME "$"},
    Format{"date-time", "^" LINNET_DATE "[Tt]" LINNET_TIME "$"},
    Format{"duration",
           "^P((\\d+Y(\\d+M(\\d+D)?)?|\\d+M(\\d+D)?|\\d+D)(T(\\d+H(\\d+M(\\d+S)?)?|\\d+M(\\d+S)?|\\d+S))?"
           "|T(\\d+H(\\d+M(\\d+S)?)?|\\d+M(\\d+S)?|\\d+S)|\\d+W)$"},
    Format{"email",
           "^" LINNET_ATOM "(\\." LINNET_ATOM ")*@(" LINNET_HOST "|\\[(" LINNET_IPV4 "|IPv6:" LINNET_IPV6 ")\\])$"},
    Format{"hostname", "^(?=.{1,253}$)" LINNET_HOST "$"},
    Format{"ipv4", "^" LINNET_IPV4 "$"},
    Format{"ipv6", "^" LINNET_IPV6 "$"},
    Format{"uri", "^[A-Za-z][A-Za-z0-9+.-]*:(//" LINNET_AUTHORITY LINNET_SEGMENTS "|/?(" LINNET_PCHAR
                  "+" LINNET_SEGMENTS ")?)" LINNET_QUERY "$"},
    Format{"uri-reference",
           "^([A-Za-z][A-Za-z0-9+.-]*:(//" LINNET_AUTHORITY LINNET_SEGMENTS "|/?(" LINNET_PCHAR "+" LINNET_SEGMENTS
           ")?)|//" LINNET_AUTHORITY LINNET_SEGMENTS "|/(" LINNET_PCHAR "+" LINNET_SEGMENTS
           ")?|([A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})+" LINNET_SEGMENTS "|)" LINNET_QUERY "$"},
    Format{"uri-template", "^([^\\x00-\\x20\\x7F\"'%<>\\\\^`{|}]|%[0-9A-Fa-f]{2}|\\{[+#./;?&=,!@|]?" LINNET_VARIABLE
                           "(," LINNET_VARIABLE ")*\\})*$"},
    Format{"uuid", "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"},
    Format{"json-pointer", "^(/([^/~]|~[01])*)*$"},
    Format{"relative-json-pointer", "^(0|[1-9]\\d*)(#|(/([^/~]|~[01])*)*)$"},
};

constexpr std::array<std::string_view, 5> kRefused = {"idn-email", "idn-hostname", "iri", "iri-reference", "regex"};

}  // namespace

std::string_view format_pattern(std::string_view format, bool& known) {
    known = true;
    for (const Format& entry : kFormats) {
        if (entry.name == format) return entry.pattern;
    }
    known = false;
    for (const std::string_view name : kRefused) known = known || name == format;
    return {};
}

}  // namespace linnet::constrain
