// The whole of a configuration file, for the wiring alone: it hands each part to its one
// consumer. Defaults stand in the parts' initialisers and nowhere else.
#pragma once

#include "bartizan/config/database_options.hpp"
#include "bartizan/config/limits_options.hpp"
#include "bartizan/config/listen_options.hpp"
#include "bartizan/config/operation_options.hpp"
#include "bartizan/config/shipping_options.hpp"
#include "bartizan/config/sign_in_options.hpp"
#include "bartizan/config/tls_options.hpp"

namespace bartizan::config {

/// A plain value, move-only. One that came out of parse() or load_file() is valid as a whole.
struct Configuration {
  ListenOptions listen;
  TlsOptions tls;
  LimitsOptions limits;
  ScramOptions scram;
  LockoutOptions lockout;
  ControlOptions control;
  EmbeddedOptions embedded;
  AdminOptions admin;
  MetricsOptions metrics;
  AuditOptions audit;
  ShippingOptions shipping;
  LogOptions log;
  PoolOptions pool;
  WorkersOptions workers;
};

}  // namespace bartizan::config
