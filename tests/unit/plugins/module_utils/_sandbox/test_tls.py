"""The certificates on disk: made once, renewed in time, and for the right host."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox import tls
from ansible_collections.mailops.smtpeter.plugins.module_utils._sandbox.errors import TlsError


@pytest.mark.parametrize("loss", [None, "ca.pem", "server.pem", "damage", "host", "age"])
def test_renewed(tmp_path: Path, loss: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are kept while they are good, and made again when one is missing or damaged, for a host, and in time."""
    paths = [tmp_path / "ca.pem", tmp_path / "server.pem"]
    if loss == "age":
        monkeypatch.setattr(tls, "DAYS", tls.RENEW_DAYS)
    tls.ensure_certificate(*map(str, paths), "127.0.0.1")
    monkeypatch.undo()
    before = [path.read_bytes() for path in paths]
    if loss == "damage":
        paths[1].write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    elif loss in ("ca.pem", "server.pem"):
        (tmp_path / loss).unlink()
    renew = tls.ensure_certificate(*map(str, paths), "127.0.0.5" if loss == "host" else "localhost")
    assert 22.9 < (renew - time.time()) / 86400 < 23.1
    assert [path.read_bytes() == old for path, old in zip(paths, before)] == [loss is None] * 2
    # They are the owner's alone, and the authority's key is nowhere.
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert (before[0].count(b"PRIVATE"), before[1].count(b"BEGIN")) == (0, 2)


def test_unwritable(tmp_path: Path) -> None:
    """A place that cannot be written is an error of the option."""
    with pytest.raises(TlsError, match=r"^tls: "):
        tls.ensure_certificate(str(tmp_path / "no" / "ca.pem"), str(tmp_path / "no" / "server.pem"), "127.0.0.1")
