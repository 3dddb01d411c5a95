# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the token out of what the service said. Private: names and behaviour may change."""

from __future__ import annotations

import base64
import re
import unicodedata

MASK = "********"
EXCERPT_CHARS = 120

_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
# A wrapped line may part the token anywhere.
_GAP = r"[\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028\u2029\ufeff\\]{0,4}"


class Redactor:
    """Masks one token in any text, however it is written there: plain, percent-encoded, as JSON, HTML or Base64."""

    def __init__(self, token: str) -> None:
        patterns = [_GAP.join(_any_spelling(char) for char in token)]
        patterns += [_GAP.join(map(re.escape, text)) for text in _base64_cores(token)]
        self._pattern = re.compile("|".join(patterns), re.IGNORECASE)

    def mask(self, text: str) -> str:
        """Return C(text) with each occurrence of the token replaced by C(********)."""
        return self._pattern.sub(MASK, text)

    def excerpt(self, body: bytes) -> str:
        """Return the beginning of an answer as one harmless, printable line; empty where nothing can be shown."""
        text = self.mask(body.decode("utf-8", "replace"))
        printable = "".join(" " if char.isspace() or unicodedata.category(char)[0] in "CZ" else char for char in text)
        line = " ".join(printable.split())
        return line if len(line) <= EXCERPT_CHARS else line[:EXCERPT_CHARS] + "..."


def _any_spelling(char: str) -> str:
    """Return a pattern for one character of the token in each of its usual encodings."""
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in char.encode("utf-8"))
    units = char.encode("utf-16-be")
    escaped = "".join(rf"\\+u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
    # The plain character comes last, since it may begin another spelling.
    spellings = [percent, escaped, f"&#0*{ord(char)};", f"&#x0*{ord(char):x};"]
    if char in _ENTITIES:
        spellings.append(f"&{_ENTITIES[char]};")
    spellings.append(re.escape(char))
    return f"(?:{'|'.join(spellings)})"


def _base64_cores(token: str) -> set[str]:
    """Return what Base64 makes of the token at each of the three alignments, less the ends that neighbours change."""
    cores = set()
    for shift in range(3):
        raw = b"\0" * shift + token.encode("utf-8")
        start = (shift * 8 + 5) // 6
        whole = len(raw) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            cores.add(encode(raw).decode("ascii")[start:whole])
    return cores
