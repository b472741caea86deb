"""The depot `walled` (walled.py) on a PostgreSQL of its own, in front of which `bartizan serve` stands. Its wall is kept by a
superuser (grade full), or by an ordinary role that makes roles and is a member of the tables' owner (grade managed)."""
from __future__ import annotations

import json
import shutil
import subprocess

import bartizan
import past_the_gateway
import siege
import walled
from certificates import Certificates
from endpoint import Endpoint
from postgres import SUPERUSER, SUPERUSER_PASSWORD, Cluster, binary_folder
from processes import clean_environment, give, make_folder, remove_folder

KEEPER = "bartizan_wall"
OWNER_LOGIN = f"{walled.DEPOT}_owner"
_QUOTED = walled.PASSWORD.replace("'", "''")


class OwnServer(walled.Walled):
    """Everything is there but the wall's login and the policies: keep() and publish(). Gone after stop()."""

    def __init__(self, grade: str, pool_mode: str = "transaction") -> None:
        self.grade = grade
        self.folder = make_folder()
        self.cluster = Cluster(self.folder, Certificates(self.folder))
        self.cluster.admin(f"CREATE ROLE {OWNER_LOGIN} LOGIN PASSWORD '{_QUOTED}'",
                           f"CREATE ROLE {KEEPER} LOGIN PASSWORD '{_QUOTED}'",
                           f"CREATE DATABASE {walled.DEPOT} OWNER {OWNER_LOGIN} TEMPLATE template0")
        home = self.folder / "gateway"
        home.mkdir()
        home.chmod(0o755)
        give(home)
        self.gateway = bartizan.Bartizan(home, self.cluster)
        run = self.gateway.command
        run("depot", "create", walled.DEPOT, "--host", "localhost", "--port", str(self.cluster.port), "--ca-file",
            str(self.cluster.certificates.ca_file), "--login", OWNER_LOGIN, "--password-stdin", input=walled.PASSWORD + "\n")
        for tenant in ("north", "lake"):
            run("tenant", "create", tenant)
        for role in ("analyst", "clerk"):
            run("role", "create", role)
        self._identity(walled.OWNER, "--past-wall")
        for name, (tenant, role) in walled.CONSUMERS.items():
            self._identity(name, tenant=tenant)
            run("role", "assign", role, name)
        with self.session(walled.OWNER) as owner:
            for name in ("schema.sql", "expected.sql"):
                walled._run(owner, (walled.DATA / name).read_text())
        run("depot", "set", walled.DEPOT, "--pool-mode", pool_mode)

    def give_rights(self) -> None:
        """To who is to keep the wall, as the guide says."""
        self.cluster.admin(f"ALTER ROLE {KEEPER} CREATEROLE", f"GRANT {OWNER_LOGIN} TO {KEEPER}")

    def keep(self) -> dict:
        """Registers the wall's login; what the gateway answers."""
        login, password = (KEEPER, walled.PASSWORD) if self.grade == "managed" else (SUPERUSER, SUPERUSER_PASSWORD)
        done = self.gateway.command("depot", "wall-login", walled.DEPOT, login, "--password-stdin", "--json", input=password + "\n")
        return json.loads(done.stdout)

    def publish(self, old: str = "", new: str = "", more: str = "", check: bool = True) -> None:
        text = (walled.DATA / "policies.yaml").read_text()
        assert old in text
        folder = self.gateway.folder / "policies"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "walled.yaml").write_text((text.replace(old, new) if old else text) + more)
        for path in (folder, folder / "walled.yaml"):
            give(path)
        self.gateway.command("policy", "publish", str(folder), "--reason", "a test", check=check)

    def wall(self) -> dict:
        """Of the depot, as `wall status` tells."""
        told = json.loads(self.gateway.command("wall", "status", "--json", check=False).stdout)
        return next(one for one in told["walls"] if one["depot"] == walled.DEPOT)

    def endpoint(self, name: str) -> Endpoint:
        return Endpoint("bartizan", "localhost", self.gateway.port, name, walled.PASSWORD, walled.DEPOT,
                        str(self.cluster.certificates.ca_file))

    def dump(self) -> str:
        """All of the schema with its rights, and the cluster's roles with their memberships."""
        def dumped(*command: str) -> str:
            environment = clean_environment(PGPASSWORD=SUPERUSER_PASSWORD)
            done = subprocess.run([str(binary_folder() / command[0]), "-h", "localhost", "-p", str(self.cluster.port), "-U",
                                   SUPERUSER, *command[1:]], capture_output=True, text=True, env=environment, check=True)
            return "\n".join(line for line in done.stdout.splitlines() if "restrict" not in line)
        return dumped("pg_dump", "-s", "-C", walled.DEPOT) + dumped("pg_dumpall", "--roles-only", "--no-role-passwords")

    def stop(self) -> None:
        self.gateway.stop()
        self.cluster.stop()
        remove_folder(self.folder)


class PastOwnServer(past_the_gateway.PastTheGateway):
    """Straight at the server, over TLS. REQUIRES: a published OwnServer."""

    def __init__(self, world: OwnServer) -> None:
        self.cluster = world.cluster
        self.superuser = siege.Session(lambda: self._open(world.cluster.superuser(walled.DEPOT)))
        self.find_class()

    @staticmethod
    def _open(endpoint: Endpoint) -> walled.Recorder:
        connection = walled.Recorder(endpoint)
        connection.start_tls()
        connection.send_startup()
        connection.finish_startup()
        return connection

    def _connect(self, user: str) -> walled.Recorder:
        return self._open(self.cluster._endpoint(user, walled.PASSWORD, walled.DEPOT))
