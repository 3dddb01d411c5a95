# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of an HTTP answer, read and decompressed within limits. Private: names and behaviour may change."""

from __future__ import annotations

import http.client
import zlib
from typing import TYPE_CHECKING, Any, Callable, Iterator

from ._limits import Limits

if TYPE_CHECKING:
    import requests

MEBIBYTE = 1024 * 1024
BODY_LIMIT = MEBIBYTE
STREAM_LIMIT = 256 * MEBIBYTE
_PIECE = 64 * 1024


def read_body(response: requests.Response) -> bytes | None:
    """Return the whole body; None if it is longer than BODY_LIMIT.

    Raises http.client.IncompleteRead if it is cut short, and zlib.error if it cannot be decompressed.
    """
    raw = response.raw.read(BODY_LIMIT + 1, decode_content=False)
    if len(raw) > BODY_LIMIT:
        return None
    _check_length(response, len(raw))
    decompressor = _decompressor(response)
    if decompressor is None:
        return bytes(raw)
    body: bytes = decompressor.decompress(raw, BODY_LIMIT + 1)
    if len(body) > BODY_LIMIT:
        return None
    if not decompressor.eof:
        raise http.client.IncompleteRead(raw)
    return body


def stream_body(response: requests.Response, limits: Limits, timeout: float, feed: Callable[[bytes], None]) -> bool:
    """Pass the body to `feed`, piece by piece; return False if it is longer than STREAM_LIMIT.

    Each started MiB may take `timeout` seconds. Raises what `read_body` raises, and what `feed` raises.
    """
    decompressor = _decompressor(response)
    received = total = 0
    for raw in iter(lambda: response.raw.read(_PIECE, decode_content=False), b""):
        received += len(raw)
        # A piece and its framing are far smaller; the body has a limit of its own.
        limits.restore_bytes()
        for piece in [raw] if decompressor is None else _decompressed(decompressor, raw):
            if (total + len(piece)) // MEBIBYTE > total // MEBIBYTE:
                limits.extend(timeout)
            total += len(piece)
            if total > STREAM_LIMIT:
                return False
            feed(piece)
            # What came in time may decompress to very much.
            limits.seconds_left()
    _check_length(response, received)
    if decompressor is not None and not decompressor.eof:
        raise http.client.IncompleteRead(b"")
    return True


def _check_length(response: requests.Response, received: int) -> None:
    declared = response.headers.get("Content-Length", "")
    measured = declared.isdecimal() and "Transfer-Encoding" not in response.headers
    # These two have no body; a length there is that of another answer.
    if measured and response.status_code not in (204, 304) and received < int(declared):
        raise http.client.IncompleteRead(b"")


def _decompressor(response: requests.Response) -> Any:
    """Return what decompresses the body; None if it is not compressed."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise zlib.error("unknown content encoding")
    return zlib.decompressobj(zlib.MAX_WBITS | 32)


def _decompressed(decompressor: Any, raw: bytes) -> Iterator[bytes]:
    """Yield what `raw` decompresses to, in pieces of bounded length."""
    while True:
        piece = decompressor.decompress(raw, _PIECE)
        yield piece
        raw = decompressor.unconsumed_tail
        # After a full piece there may be more output without any input.
        if not raw and len(piece) < _PIECE:
            return
