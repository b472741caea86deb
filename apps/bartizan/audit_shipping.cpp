#include "audit_shipping.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "files.hpp"

namespace bartizan::app {
namespace {

using control::Members;
using shipping::Sink;

constexpr std::chrono::seconds kLate{60};  ///< then it is trouble

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != 0 ? std::string(name.data()) : "bartizan";
}

/// A secret's file must not be open to others. Without the end of its last line.
Result<SecretBytes> read_private(const std::filesystem::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
    return fail(Errc::PermissionDenied, file.string() + " is open to others: its mode must be 0600");
  BZ_TRY(const SecretBytes content, read_file(file));
  auto text = content.reveal_chars();
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return SecretBytes(text);
}

Result<shipping::SinkOptions> message_options(const config::MessageSinkOptions& from) {
  shipping::SinkOptions out;
  BZ_TRY(out.peer, shipping::parse_address(from.address));
  out.peer.tls = from.tls;
  out.peer.ca_file = from.ca_file.string();
  out.peer.certificate_file = from.certificate_file.string();
  out.peer.private_key_file = from.private_key_file.string();
  out.body = from.cef ? shipping::Body::Cef : shipping::Body::Json;
  out.host = host_name();
  return out;
}

Result<shipping::HttpOptions> http_options(const config::HttpSinkOptions& from) {
  shipping::HttpOptions out;
  BZ_TRY(out.url, shipping::parse_url(from.url));
  out.url.peer.ca_file = from.ca_file.string();
  out.host = host_name();
  if (!from.secret_file.empty()) {
    BZ_TRY(out.secret, read_private(from.secret_file));
  }
  if (!from.headers_file.empty()) {
    BZ_TRY(out.headers, read_private(from.headers_file));
  }
  return out;
}

shipping::ShipperOptions shipper_options(const char* name, const shipping::LogPlace& log) {
  shipping::ShipperOptions out{name, log};
  return out;
}

control::Document number(std::uint64_t value) { return control::Document(static_cast<std::int64_t>(value)); }

}  // namespace

Result<std::unique_ptr<AuditShipping>> AuditShipping::open(const config::ShippingOptions& options,
                                                           const shipping::LogPlace& log) {
  using shipping::Shipper;
  using shipping::Stopper;
  std::unique_ptr<AuditShipping> out(new AuditShipping);
  const auto start = [&](const char* name, const Shipper::MakeSink& make) -> Result<void> {
    auto shipper = Shipper::start(shipper_options(name, log), make);
    if (!shipper) return fail(shipper.error().code, fmt::format("ship_{}: {}", name, shipper.error().detail));
    out->shippers_.push_back(std::move(*shipper));
    return {};
  };
  using Made = Result<std::unique_ptr<Sink>>;
  if (!options.syslog.address.empty())
    BZ_CHECK(start("syslog", [&](const Stopper& stopper) -> Made {
      BZ_TRY(auto sink, message_options(options.syslog));
      return shipping::syslog_sink(std::move(sink), stopper);
    }));
  if (!options.relp.address.empty())
    BZ_CHECK(start("relp", [&](const Stopper& stopper) -> Made {
      BZ_TRY(auto sink, message_options(options.relp));
      return shipping::relp_sink(std::move(sink), stopper);
    }));
  if (!options.webhook.url.empty())
    BZ_CHECK(start("webhook", [&](const Stopper& stopper) -> Made {
      BZ_TRY(auto sink, http_options(options.webhook));
      return shipping::webhook_sink(std::move(sink), stopper, system_clock());
    }));
  if (!options.otlp.url.empty())
    BZ_CHECK(start("otlp", [&](const Stopper& stopper) -> Made {
      BZ_TRY(auto sink, http_options(options.otlp));
      return shipping::otlp_sink(std::move(sink), stopper, system_clock());
    }));
  return out;
}

std::string AuditShipping::names() const {
  std::string out;
  for (const auto& shipper : shippers_) out.append(out.empty() ? "" : ", ").append(shipper->name());
  return out;
}

std::string AuditShipping::trouble() const {
  std::string out;
  for (const auto& shipper : shippers_) {
    const auto figures = shipper->figures();
    if (figures.error.empty() && figures.lag < kLate) continue;
    out.append(out.empty() ? "" : "; ")
        .append(fmt::format("{} is {} s behind{}{}", shipper->name(), figures.lag.count() / 1000,
                            figures.error.empty() ? "" : ": ", figures.error));
  }
  return out;
}

control::Items AuditShipping::status() const {
  control::Items out;
  for (const auto& shipper : shippers_) {
    const auto figures = shipper->figures();
    out.push_back(Members{{"sink", shipper->name()},
                          {"connected", figures.connected},
                          {"delivered", number(figures.delivered)},
                          {"repeated", number(figures.repeated)},
                          {"dropped", number(figures.dropped)},
                          {"failures", number(figures.failures)},
                          {"lag_seconds", figures.lag.count() / 1000},
                          {"error", figures.error.empty() ? control::Document() : control::Document(figures.error)}});
  }
  return out;
}

void AuditShipping::add_metrics(api::Exposition& page) const {
  const auto each = [&](api::MetricName name, std::string_view help, bool counter, const auto& value) {
    for (const auto& shipper : shippers_) {
      const auto figure = static_cast<double>(value(shipper->figures()));
      if (counter)
        page.counter(name, help, {{"sink", shipper->name()}}, figure);
      else
        page.gauge(name, help, {{"sink", shipper->name()}}, figure);
    }
  };
  using Figures = shipping::Shipper::Figures;
  each("bartizan_audit_shipping_connected", "1 while the receiver takes records.", false,
       [](const Figures& f) { return f.connected ? 1 : 0; });
  each("bartizan_audit_shipping_lag_seconds", "Age of the oldest published record that it does not have.", false,
       [](const Figures& f) { return static_cast<double>(f.lag.count()) / 1000; });
  each("bartizan_audit_shipped_total", "Records delivered, some perhaps twice.", true,
       [](const Figures& f) { return f.delivered; });
  each("bartizan_audit_shipped_again_total", "Of those, sent again after a connection broke.", true,
       [](const Figures& f) { return f.repeated; });
  each("bartizan_audit_shipping_dropped_total", "Records that it rejected, or that were pruned before it took them.",
       true, [](const Figures& f) { return f.dropped; });
  each("bartizan_audit_shipping_failures_total", "Attempts that failed.", true,
       [](const Figures& f) { return f.failures; });
}

}  // namespace bartizan::app
