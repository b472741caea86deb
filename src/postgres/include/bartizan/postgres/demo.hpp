// The demo database: a clinic-billing product with two tenants and about 200,000 generated rows,
// the same on every machine. The SQL lies in demo/*.sql and is built into the program.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/postgres/control_connection.hpp"

namespace bartizan::postgres {

inline constexpr std::string_view kDemoDatabase = "demo";
inline constexpr std::string_view kDemoSchema = "clinic";
/// LOGIN roles without a password until the caller sets one (ControlConnection::set_role_password):
/// owner of everything; read and write; read only.
inline constexpr std::array<std::string_view, 3> kDemoRoles = {"demo_owner", "demo_app", "demo_reader"};

struct DemoProgress {
  std::string_view step;  ///< "customers"
  std::size_t done = 0;   ///< steps finished before this one
  std::size_t steps = 0;
  std::chrono::milliseconds elapsed{};
};

struct DemoSummary {
  bool loaded = false;  ///< false: it was there already, and was left as it is
  std::int64_t rows = 0;
  std::chrono::milliseconds elapsed{};
};

/// Makes roles, database and data as the superuser of endpoint. Idempotent: the data comes in one
/// transaction, so that it is there wholly or not at all.
Result<DemoSummary> load_demo(const Endpoint& superuser, const SecretBytes& password,
                              const std::function<void(const DemoProgress&)>& progress, SteadyTime deadline);

}  // namespace bartizan::postgres
