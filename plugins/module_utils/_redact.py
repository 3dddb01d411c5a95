# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Masks the token in what the service said. Private: names and behaviour may change."""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from typing import Callable
from urllib.parse import quote, quote_plus, unquote

MASK = "********"
EXCERPT_CHARS = 120
_WINDOW = 8192
_CHARSETS = ("utf-8", "latin-1")
_OTHER_CHARSETS = ("latin-1", "cp1252", "utf-16-le", "utf-16-be")
# Wrapped or padded text may split the token anywhere; a backslash begins an escape.
_FILLING = re.compile(r"[\s\\\x00-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
# Any number of leading zeros is legal, and Python refuses to read a number of thousands of digits.
_LONG_REFERENCE = re.compile(r"&#(?:0+(?=[1-9])|[0-9]{9,})")
_ESCAPE = re.compile(r"\\+u([0-9a-f]{4})", re.IGNORECASE)


class Redactor:
    """Masks a token in text, in each way to write it: plain, percent-encoded, as JSON, HTML or Base64.

    If the token cannot be cut out of a text, for example because line ends split it, the whole text is masked.
    """

    def __init__(self, token: str) -> None:
        spellings = sorted(_spellings(token), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, spellings)), re.IGNORECASE)
        cores = {_FILLING.sub("", core).casefold() for core in _base64_cores(token)}
        self._forms = cores.union(*(_plain_forms(token, charset) for charset in _CHARSETS))

    def mask(self, text: str) -> str:
        """Return `text` with the token replaced by `********`."""
        masked = self._pattern.sub(MASK, text)
        return MASK if self._is_in(masked) else masked

    def excerpt(self, body: bytes, hide: Callable[[str], str] = str) -> str:
        """Return the beginning of a body as one safe, printable line; empty if nothing can be shown.

        `hide` masks more than the token in the line, before it is shortened.
        """
        window = body[:_WINDOW]
        text = window.decode("utf-8", "replace")
        text = MASK if self._is_in_other_charset(window, text) else self.mask(text)
        printable = "".join(" " if char.isspace() or unicodedata.category(char)[0] in "CZ" else char for char in text)
        line = hide(" ".join(printable.split()))
        if len(line) > EXCERPT_CHARS:
            return line[:EXCERPT_CHARS] + "..."
        # The window may end in the middle of the token.
        return line if len(body) <= _WINDOW else ""

    def _is_in_other_charset(self, body: bytes, text: str) -> bool:
        if "\ufffd" not in text and "\0" not in text:
            return False
        return any(self._is_in(body[shift:].decode(name, "replace")) for name in _OTHER_CHARSETS for shift in (0, 1))

    def _is_in(self, text: str) -> bool:
        if text.isascii() and not any(mark in text for mark in "%&\\"):
            # Nothing is encoded, so there is one form.
            seen = _FILLING.sub("", text).casefold()
            return any(form in seen for form in self._forms)
        return any(
            form in seen for charset in _CHARSETS for seen in _plain_forms(text, charset) for form in self._forms
        )


def _spellings(token: str) -> set[str]:
    encoded = {quote(token, safe=""), quote(token), quote_plus(token)}
    escaped = {json.dumps(token)[1:-1], json.dumps(token, ensure_ascii=False)[1:-1]}
    escaped |= {text.replace("/", "\\/") for text in escaped}
    return {token, html.escape(token), *encoded, *map(quote, encoded), *escaped, *_base64_cores(token)}


def _plain_forms(text: str, charset: str) -> set[str]:
    """Return `text` without what may split the token, as it is and after each layer of decoding."""
    forms = {_FILLING.sub("", text).casefold()}
    text = _ESCAPE.sub(lambda escape: chr(int(escape.group(1), 16)), text)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for _layer in range(3):
        text = _LONG_REFERENCE.sub("&#", text)
        text = html.unescape(unquote(_FILLING.sub("", text), charset))
        forms.add(_FILLING.sub("", text).casefold())
    return forms


def _base64_cores(token: str) -> set[str]:
    """Return the Base64 forms of the token at its three alignments, without the ends that depend on its neighbours."""
    cores = set()
    for shift in range(3):
        raw = b"\0" * shift + token.encode("utf-8")
        start = (shift * 8 + 5) // 6
        whole = len(raw) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            cores.add(encode(raw).decode("ascii")[start:whole])
    return cores
