// What is decided about a statement, as a value (ARCHITECTURE.md, "Seams"). Pass-through is a
// decision like any other; the wall and encryption fill in what is empty today.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/strong.hpp"
#include "bartizan/policy/model.hpp"

namespace bartizan::sql {
struct Analysis;
}

namespace bartizan::policy {

/// The content hash of a policy class; 0 is the pass-through class.
using ClassId = Strong<struct ClassTag, std::uint64_t>;

struct ClassVersion {
  ClassId id;
  std::uint64_t version = 0;
  friend auto operator<=>(const ClassVersion&, const ClassVersion&) = default;
};

struct Refuse {
  std::array<char, 5> sqlstate{'4', '2', '5', '0', '1'};
  std::string message;  ///< what is wrong
  std::string hint;     ///< what to do
  std::vector<std::string> reasons;  ///< for the audit log and `policy explain`, not for the client
};

/// A value's PostgreSQL type as the client sees it.
struct LogicalType {
  std::uint32_t oid = 0;
  std::int16_t typlen = 0;
  std::int32_t typmod = -1;
};

enum class FieldAction : std::uint8_t { Encrypt, BlindIndex, DecryptAndMask, Mask };

/// A transformation of one parameter (from 0) on its way to the server.
struct ParamOp {
  std::uint16_t index = 0;
  LogicalType type;
  FieldAction action = FieldAction::Encrypt;
};
/// A transformation of one output column (from 0) on its way to the client.
struct ColumnOp {
  std::uint16_t index = 0;
  LogicalType type;
  FieldAction action = FieldAction::Mask;
};

/// What must wait for the audit intent to be durable; in rising order of strictness.
enum class Barrier : std::uint8_t {
  None,             ///< the intent is accepted, its flush is not waited for
  BeforeFirstByte,  ///< reads: no byte of the result leaves before
  BeforeForward,    ///< whatever takes effect is not even sent before
};

/// Which of them hold; a matter of the log and its configuration, not of who asks.
enum class BarrierMode : std::uint8_t {
  None,          ///< `audit: basic`
  EffectsAlone,  ///< results of statements that only read don't wait
  Strict,
};

struct Allow {
  std::shared_ptr<const std::string> server_text;  ///< null: relay the client's own frames
  ClassVersion class_version;
  std::vector<ParamOp> params;
  std::vector<ColumnOp> columns;
  Barrier barrier = Barrier::None;
};

using Decision = std::variant<Refuse, Allow>;

/// Who asks: fixed at sign-in for the life of a session.
struct Subject {
  IdentityId identity;
  std::optional<TenantId> tenant;
  DepotId depot;
  std::string login;                    ///< the PostgreSQL role behind it
  std::optional<WallTime> valid_until;  ///< of the grant or the identity, the sooner
  BarrierMode barriers = BarrierMode::None;
};

/// The least that a statement has to wait for. What is not understood counts as taking effect; what a
/// view's or trigger's body does is not seen here.
[[nodiscard]] Barrier required_barrier(const sql::Analysis& analysis, BarrierMode mode) noexcept;

/// Total: never fails, and what it does not allow it refuses. The one policy so far: a granted
/// identity is passed through until its grant ends.
[[nodiscard]] Decision decide(const Subject& subject, const sql::Analysis& analysis, WallTime now);

}  // namespace bartizan::policy
