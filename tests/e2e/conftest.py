"""Fixtures: one throw-away cluster and one target a run. Choose the target with --target."""
from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # plain modules, no package
for variable in [v for v in os.environ if v.startswith("PG")]:
    del os.environ[variable]
os.environ["PGPASSFILE"] = os.environ["PGSERVICEFILE"] = os.devnull

import targets  # noqa: E402
import wire  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--target", default="bartizan", choices=targets.NAMES, help="what to test")
    parser.addoption("--full", action="store_true", help="also run the long forms")
    parser.addoption("--pool-mode", choices=("session", "transaction"), help="of every target that does not ask for one of its own")
    parser.addoption("--pooling", action="store_true", help="all cases of transaction pooling's tests")


def pytest_configure(config):
    reason = targets.missing(config.getoption("--target"))
    if reason and not config.getoption("--collect-only"):
        raise pytest.UsageError(f"--target {config.getoption('--target')}: {reason}")


# Of transaction pooling each parametrised test runs so many of its cases, spread evenly, unless --pooling runs all.
_CASES = {"test_pooling_differential": 16, "test_pooling_pins": 6, "test_pooling_deaths": 3}
_CASES_OF_OTHERS = 2


def _left_out(items) -> set:
    by_test: dict[tuple, list] = {}
    for item in items:
        if item.path.name.startswith(("test_pooling", "test_chaos")):
            by_test.setdefault((item.path, item.originalname), []).append(item)
    left = set()
    for (path, _), cases in by_test.items():
        count = _CASES.get(path.stem, _CASES_OF_OTHERS)
        kept = {i * len(cases) // count for i in range(count)} if len(cases) > count else range(len(cases))
        left.update(case for i, case in enumerate(cases) if i not in kept)
    return left


def pytest_collection_modifyitems(config, items):
    short = config.getoption("--target") == "bartizan" and not config.getoption("--pooling") and not config.getoption("--full")
    left_out = _left_out(items) if short else set()
    for item in items:
        if item.get_closest_marker("full") and not config.getoption("--full"):
            item.add_marker(pytest.mark.skip(reason="long form: --full runs it"))
        if item in left_out:
            item.add_marker(pytest.mark.skip(reason="short form: --pooling or --full runs all cases"))
        if item.get_closest_marker("gateway") and config.getoption("--target") == "postgres":
            item.add_marker(pytest.mark.skip(reason="needs a gateway, the target is PostgreSQL itself"))


@pytest.fixture(scope="session")
def target_name(request) -> str:
    return request.config.getoption("--target")


@pytest.fixture(scope="session")
def _world():
    with targets.cluster_in_own_folder() as world:
        yield world


@pytest.fixture(scope="session")
def cluster(_world):
    return _world[1]


@pytest.fixture(scope="session")
def folder(_world):
    return _world[0]


@pytest.fixture(scope="session")
def _mode(request, target_name) -> dict:
    chosen = request.config.getoption("--pool-mode")
    return {"pool_mode": chosen} if chosen and target_name != "postgres" else {}


@pytest.fixture(scope="session")
def _running(target_name, folder, cluster, _mode):
    running = [targets.start(target_name, folder, cluster, **_mode)]
    yield running
    for each in running:
        each.stop()


@pytest.fixture
def target(_running, target_name, folder, cluster, _mode):
    """The one target of the run; started anew should a test have killed it."""
    if not _running[-1].child.alive():
        _running.append(targets.start(target_name, folder, cluster, **_mode))
    return _running[-1]


@pytest.fixture(scope="session")
def oracle(cluster):
    """The ordinary user, straight to PostgreSQL."""
    return cluster.endpoint()


@pytest.fixture
def endpoint(target):
    """The ordinary user through the target."""
    return target.endpoint()


@pytest.fixture
def start_target(target_name, folder, cluster, _mode):
    """Starts further targets, in front of another server say; all are stopped after the test."""
    started = []

    def start(**options):
        started.append(targets.start(target_name, folder, cluster, **(_mode | options)))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def still_serves(target, endpoint):
    """After the test: the target runs on in the same process and a new session works."""
    yield
    if not target.child.alive():
        pytest.fail("the target died:\n" + target.child.log_text()[-1500:], pytrace=False)
    with wire.sign_in(endpoint) as connection:
        assert connection.value("select 40 + 2") == "42"


@pytest.fixture(scope="session")
def encrypted_world():
    """One for all tests of encrypted columns: each has tables of its own."""
    import encrypted
    world = encrypted.Encrypted("transaction", tenants=True)
    yield world
    world.stop()
