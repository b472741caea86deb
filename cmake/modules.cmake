# The architecture, in one place: every module and the modules it may use.
# bz_module() fails the configure step on an edge that does not stand here, and since a
# target sees only the public headers of what it links, a forbidden #include does not compile.
# Order is the build order; a line is: module <- permitted dependencies.

set(BZ_LAYERS
  # layer 0
  "base     <-"
  # layer 1: pure. No socket, thread, file, clock or random source inside.
  "crypto   <- base"
  "pgwire   <- base"
  "http     <- base"
  "sql      <- base"
  "config   <- base"
  "migrate  <- base config"
  "identity <- base crypto"
  "policy   <- base sql crypto"
  "wall     <- base sql policy crypto"
  "audit    <- base crypto"
  "keys     <- base crypto"
  "transform <- base pgwire policy keys crypto"
  "cells    <- base crypto pgwire sql policy keys transform"
  # layer 2: the proxy engine, sans-I/O
  "session  <- base crypto pgwire sql policy wall identity audit cells"
  # layer 3: I/O
  "net      <- base"
  "procs    <- base"
  "atrest   <- base procs"
  "auditlog <- base crypto audit"
  "shipping <- base crypto audit auditlog"
  "store    <- base crypto identity policy"
  "vault    <- base crypto keys shipping"
  "postgres <- base procs atrest sql policy crypto wall"
  # layer 4
  "proxy    <- base crypto pgwire sql policy wall identity audit session net auditlog cells"
  "control  <- base crypto identity sql policy wall pgwire store postgres procs audit auditlog keys transform cells vault"
  # layer 5
  "api      <- base http net control identity"
  "cli      <- base config migrate"
)
