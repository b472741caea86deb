#include "consumer_names.hpp"

#include <algorithm>
#include <array>

namespace bartizan::session {

namespace {

/// pg_type.dat: fixed for all versions. Not among them: the reg… types, whose input functions look
/// names up in the catalogs, refcursor, pseudo-types and what a catalog alone uses.
constexpr auto kTypes = std::to_array<std::uint32_t>({
    0,     // inferred
    16,    // bool
    17,    // bytea
    18,    // "char"
    19,    // name
    20,    // int8
    21,    // int2
    23,    // int4
    25,    // text
    26,    // oid
    114,   // json
    142,   // xml
    143,   // xml[]
    199,   // json[]
    600,   // point
    601,   // lseg
    602,   // path
    603,   // box
    604,   // polygon
    628,   // line
    629,   // line[]
    650,   // cidr
    651,   // cidr[]
    700,   // float4
    701,   // float8
    705,   // unknown
    718,   // circle
    719,   // circle[]
    774,   // macaddr8
    775,   // macaddr8[]
    790,   // money
    791,   // money[]
    829,   // macaddr
    869,   // inet
    1000,  // bool[]
    1001,  // bytea[]
    1002,  // "char"[]
    1003,  // name[]
    1005,  // int2[]
    1007,  // int4[]
    1009,  // text[]
    1014,  // bpchar[]
    1015,  // varchar[]
    1016,  // int8[]
    1017,  // point[]
    1018,  // lseg[]
    1019,  // path[]
    1020,  // box[]
    1021,  // float4[]
    1022,  // float8[]
    1027,  // polygon[]
    1028,  // oid[]
    1040,  // macaddr[]
    1041,  // inet[]
    1042,  // bpchar
    1043,  // varchar
    1082,  // date
    1083,  // time
    1114,  // timestamp
    1115,  // timestamp[]
    1182,  // date[]
    1183,  // time[]
    1184,  // timestamptz
    1185,  // timestamptz[]
    1186,  // interval
    1187,  // interval[]
    1231,  // numeric[]
    1266,  // timetz
    1270,  // timetz[]
    1560,  // bit
    1561,  // bit[]
    1562,  // varbit
    1563,  // varbit[]
    1700,  // numeric
    2950,  // uuid
    2951,  // uuid[]
    3614,  // tsvector
    3615,  // tsquery
    3643,  // tsvector[]
    3645,  // tsquery[]
    3802,  // jsonb
    3807,  // jsonb[]
    3904,  // int4range
    3905,  // int4range[]
    3906,  // numrange
    3907,  // numrange[]
    3908,  // tsrange
    3909,  // tsrange[]
    3910,  // tstzrange
    3911,  // tstzrange[]
    3912,  // daterange
    3913,  // daterange[]
    3926,  // int8range
    3927,  // int8range[]
    4072,  // jsonpath
    4073,  // jsonpath[]
    4451,  // int4multirange
    4532,  // nummultirange
    4533,  // tsmultirange
    4534,  // tstzmultirange
    4535,  // datemultirange
    4536,  // int8multirange
});
static_assert(std::ranges::is_sorted(kTypes));

}  // namespace

bool is_permitted_parameter_type(std::uint32_t oid) noexcept { return std::ranges::binary_search(kTypes, oid); }

}  // namespace bartizan::session
