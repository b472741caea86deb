"""Where a test connects to, and as whom.

A target is nothing more than an Endpoint, so every test runs unchanged against PostgreSQL itself (the
oracle), PgBouncer or Bartizan. Field names are libpq's.
"""
from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Endpoint:
    name: str
    host: str
    port: int
    user: str
    password: str
    dbname: str
    ca_file: str
    sslmode: str = "verify-full"

    def replace(self, **changes) -> "Endpoint":
        return dataclasses.replace(self, **changes)

    def libpq(self, **extra) -> dict:
        """Keyword arguments for psycopg.connect and psycopg2.connect."""
        return {
            "host": self.host, "port": self.port, "user": self.user, "password": self.password,
            "dbname": self.dbname, "sslmode": self.sslmode, "sslrootcert": self.ca_file,
            "gssencmode": "disable", "connect_timeout": 10, **extra,
        }

    def environment(self) -> dict:
        """PG* variables for libpq programs; the password is not among them, use a pass file."""
        return {
            "PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": self.user,
            "PGDATABASE": self.dbname, "PGSSLMODE": self.sslmode, "PGSSLROOTCERT": self.ca_file,
            "PGGSSENCMODE": "disable", "PGCONNECT_TIMEOUT": "10",
        }

    def pass_file_line(self) -> str:
        def escape(text: str) -> str:
            return text.replace("\\", "\\\\").replace(":", "\\:")
        return ":".join([escape(self.host), str(self.port), "*", escape(self.user), escape(self.password)])
