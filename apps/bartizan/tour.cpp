#include "tour.hpp"

#include <fmt/format.h>

#include "bartizan/procs/child_process.hpp"

namespace bartizan::app {
namespace {

constexpr std::string_view kSelect =
    "SELECT id, tenant, name, email, card_number FROM clinic.customers ORDER BY tenant DESC, id LIMIT 3";

std::string conninfo(const Program& program, const std::string& user) {
  return fmt::format("host=localhost port={} dbname=demo user={} sslmode=verify-full sslrootcert={}", program.port(),
                     user, program.ca_file());
}

std::string run_psql(const Program& program, const std::string& user) {
  procs::Command command;
  command.argv = {program.psql(), "-X", "-c", std::string(kSelect), conninfo(program, user)};
  command.environment = {{"PGPASSFILE", program.pgpass_file()}, {"LC_ALL", "C.UTF-8"}, {"PGCONNECT_TIMEOUT", "10"}};
  command.standard_output = procs::Capture{};
  command.standard_error = procs::Capture{};
  const auto done = procs::run(command, system_clock().steady() + std::chrono::seconds(20));
  if (!done) return "psql could not be run: " + done.error().detail + "\n";
  return done->status.success() ? done->standard_output : done->standard_error;
}

}  // namespace

void print_tour(const Program& program, std::ostream& out) {
  out << "\nThe same statement as each demo identity:\n  " << kSelect << "\n";
  for (const auto& identity : program.demo_identities()) {
    out << fmt::format("\n{} ({}{}{})\n", identity.name, identity.about,
                       identity.tenant.empty() ? std::string() : " of " + identity.tenant,
                       identity.past_wall ? ", past the wall as " + identity.login : std::string());
    out << run_psql(program, identity.name);
  }
  out << "Masks and rows follow demo/policies.yaml, which `bartizan policy show` prints; everything is recorded.\n"
         "The owner and the service are past the wall by their grants.\n";
  out << "\nConnect (passwords lie in the PGPASSFILE, readable by you alone):\n";
  for (const auto& identity : program.demo_identities())
    out << fmt::format("  PGPASSFILE={} psql \"{}\"\n", program.pgpass_file(), conninfo(program, identity.name));
}

}  // namespace bartizan::app
