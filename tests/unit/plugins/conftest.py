"""What the tests of the client and of the shells share: hostile services, and a bound on every hang."""

import os
import signal
import sys
import time
import types
from contextlib import ExitStack, closing, contextmanager

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._client import Client
from ansible_collections.mailops.smtpeter.plugins.module_utils._connection import Connection
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import Authority, Hostile


@pytest.fixture(autouse=True)
def _no_network_settings(monkeypatch, tmp_path_factory):
    """Keep the user's own proxies, certificates and .netrc out of the tests."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))


@pytest.fixture
def hostile():
    """Start a hostile service, given what `Hostile` is; stopped after the test."""
    with ExitStack() as started:
        yield lambda *given, **more: started.enter_context(closing(Hostile(*given, **more)))


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority that nobody trusts by default."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def pauses():
    """The pauses that clients of `connect` wished for, in seconds; none of them is taken."""
    return []


@pytest.fixture
def connect(pauses):
    """Make a client, of one attempt and a short timeout by default, which never sleeps; closed after the test."""
    with ExitStack() as made:

        def build(url, token="a-good-token", jitter=lambda: 1.0, **given):
            connection = Connection(**{"api_token": token, "api_url": url, "timeout": 2, "retries": 0, **given})
            client = Client(connection, sleep=pauses.append, jitter=jitter, clock=lambda: sum(pauses))
            return made.enter_context(closing(client))

        yield build


@pytest.fixture
def registered(monkeypatch):
    """What Ansible is told to mask from now on: a double of the module that has register_secret since 2.22."""
    told = []
    secrets = types.SimpleNamespace(register_secret=told.append)
    monkeypatch.setitem(sys.modules, "ansible.module_utils.secrets", secrets)
    monkeypatch.setattr("ansible.module_utils.secrets", secrets, raising=False)
    return told


@pytest.fixture
def within():
    """Fail what takes longer than so many seconds; a hang is broken off at three times that."""

    @contextmanager
    def limit(seconds):
        def give_up(*_signal):
            raise AssertionError(f"still at it after {seconds * 3:g} seconds")

        before = signal.signal(signal.SIGALRM, give_up)
        signal.setitimer(signal.ITIMER_REAL, seconds * 3)
        start = time.monotonic()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert time.monotonic() - start < seconds

    return limit
