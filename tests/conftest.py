"""What every test stands on: no network beyond loopback, no pause between retries, no settings of this machine.

Fixtures that only one folder needs belong in that folder's own conftest.
"""

import gc
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

# Before anything imports Prefect: it reports nothing, and its files go nowhere near a person's own.
_scratch = tempfile.TemporaryDirectory(prefix="yuanmeng-tests-", ignore_cleanup_errors=True)
os.environ["PREFECT_HOME"] = str(Path(_scratch.name) / "prefect")
os.environ["PREFECT_PROFILES_PATH"] = str(Path(_scratch.name) / "profiles.toml")
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW"] = "ignore"
os.environ["DO_NOT_TRACK"] = "1"
os.environ.setdefault("XDG_RUNTIME_DIR", _scratch.name)
for _name in [name for name in os.environ if name.startswith("YUANMENG_")]:
    del os.environ[_name]

import pytest  # noqa: E402
import stamina  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

pytest_plugins = ["tests.fixtures.databases", "tests.fixtures.machines", "tests.fixtures.scripted"]

DATA = Path(__file__).parent / "data"

# Two cores and other work beside it: a slow example is no failure. CI tries the same examples every time.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_unconfigure() -> None:
    """Throw away what the tests left in the scratch folder."""
    _scratch.cleanup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the long files begin first: the others fill what time is left beside them."""
    items.sort(key=_rank)  # stable: within a rank the order of the files stands


def _rank(item: pytest.Item) -> int:
    first = ("test_demo.py", "test_twice.py")
    if item.path.name in first:
        return first.index(item.path.name)
    return 2 if item.path.parent.name in ("journeys", "faults") else 3


@pytest.fixture(autouse=True)
def retries_do_not_wait() -> Iterator[None]:
    """Retries happen as often as in production, without the pause between them."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of files as people make them: the rosters, and what is expected of each row."""
    return DATA


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A Prefect server of its own for the flow tests of one session; it takes seconds to come up."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=90):
        # The harness leaves the sockets open with which it asked whether the server is up.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        yield
