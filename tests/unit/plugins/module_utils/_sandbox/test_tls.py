"""The certificates on disk: made once, renewed in time, and for the right host."""

from __future__ import annotations

import stat
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import tls
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import LibraryMissingError, TlsError


@pytest.fixture
def paths(tmp_path: Path) -> tuple[str, str]:
    """Where authority and certificate go."""
    return str(tmp_path / "ca.pem"), str(tmp_path / "server.pem")


def contents(paths: tuple[str, str]) -> list[bytes]:
    """What is in both files."""
    return [Path(path).read_bytes() for path in paths]


def test_made_once(paths: tuple[str, str]) -> None:
    """They are kept while they are good, are the owner's alone, and the authority's key is nowhere."""
    renew = tls.ensure_certificate(*paths, "127.0.0.1")
    before = contents(paths)
    assert tls.ensure_certificate(*paths, "localhost") == pytest.approx(renew, abs=2)
    assert contents(paths) == before
    assert b"PRIVATE" not in before[0]
    assert before[1].count(b"BEGIN") == 2
    assert {stat.S_IMODE(Path(path).stat().st_mode) for path in paths} == {0o600}
    assert 20 < (renew - time.time()) / 86400 < 24


@pytest.mark.parametrize("loss", ["ca", "server", "damage", "host", "age"])
def test_renewed(paths: tuple[str, str], loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are made again when one is missing or damaged, for another host, and before they end."""
    if loss == "age":
        monkeypatch.setattr(tls, "DAYS", tls.RENEW_DAYS)
    tls.ensure_certificate(*paths, "127.0.0.1")
    monkeypatch.undo()
    before = contents(paths)
    if loss == "damage":
        Path(paths[1]).write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    elif loss in ("ca", "server"):
        Path(paths[loss == "server"]).unlink()
    tls.ensure_certificate(*paths, "127.0.0.5" if loss == "host" else "127.0.0.1")
    assert all(new != old for new, old in zip(contents(paths), before))


def test_unwritable(tmp_path: Path) -> None:
    """A place that cannot be written is an error of the option."""
    with pytest.raises(TlsError, match=r"^tls: "):
        tls.ensure_certificate(str(tmp_path / "no" / "ca.pem"), str(tmp_path / "no" / "server.pem"), "127.0.0.1")


def test_without_the_library(paths: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without cryptography, the error names it and the way round it."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(LibraryMissingError, match="cryptography is not installed; install it, or set tls to false"):
        tls.ensure_certificate(*paths, "127.0.0.1")
