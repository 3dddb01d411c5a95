# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps mail addresses out of what a service or a receiver said. Private: names and behaviour may change."""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

from ._redact import MASK, Redactor

DESCRIPTION_CHARS = 160
_WINDOW = 4096
_CACHE_LIMIT = 4096
# A local part of so many characters is masked within words, too; a shorter one only as a word of its own.
_LONG = 6
_WORDS = re.compile(r'([\s<>()\[\],;:"]+)')
_QUOTED_LOCAL = re.compile(r'"[^"]{0,128}"(?=@)')
_COMMENT = re.compile(r"\([^()]{0,128}\)(?=@)")
_SPACED_AT = re.compile(r"\s*@\s*")
_LONG_NUMBER = re.compile(r"\d{10,}")
_ENCODED = re.compile(r"%[0-9a-f]{2}|&#?\w+|=[0-9a-f]{2}|\\+[ux]", re.IGNORECASE)
_QUOTED_PRINTABLE = re.compile(r"=([0-9a-f]{2})", re.IGNORECASE)
_ESCAPE = re.compile(r"\\+(?:u([0-9a-f]{4})|x([0-9a-f]{2}))", re.IGNORECASE)
_QUOTED_NAME = re.compile(r'"[^"]{0,128}"(?=\s*<\*{8})')
_NAME = re.compile(r"[^\W\d_][\w'.-]*")
# What stands in front of an address and is no name.
_NO_NAMES = frozenset(
    (
        "account", "address", "addresses", "command", "error", "for", "from", "mail", "mailbox", "message", "no", "not",
        "of", "original", "rcpt", "recipient", "recipients", "rejected", "sender", "the", "to", "undeliverable",
        "unknown", "user", "users",
    )
)  # fmt: skip


def mask_addresses(text: str) -> str:
    """Return a line with each mail address masked, in whatever encoding, and the display name in front of it.

    The local part of an address is masked where it stands alone, too.
    """
    return _without_addresses(_flat(text), ())


def _without_addresses(text: str, own: tuple[str, ...]) -> str:
    """Mask the addresses in a flat text; `own` are words, in lower case, to mask where an encoded word holds them."""
    encoded = _ENCODED.search(text) is not None
    if not encoded and "@" not in text and f"<{MASK}" not in text:
        return text
    if "@" in text:
        text = _QUOTED_LOCAL.sub(MASK, _COMMENT.sub("", _SPACED_AT.sub("@", text)))
    words = _WORDS.split(text)
    local_parts: set[str] = set()
    for position in range(0, len(words), 2):
        word = words[position]
        plain = _decoded(word) if encoded and _ENCODED.search(word) else word
        if "@" not in plain and (plain is word or not any(part in plain.lower() for part in own)):
            continue
        words[position] = MASK
        local_parts.update(part for part in _own_parts(plain, "") if len(part) > 1 and "@" in plain)
        if word.startswith("@") and position >= 2:
            # A bracket stands between the local part and its domain.
            words[position - 2] = MASK
    text = "".join(words)
    text = _without_names(text)
    for part in sorted(local_parts, key=len, reverse=True):
        text = _without_word(text, part)
    return text


def domain_of(recipient: str) -> str | None:
    """Return the domain of an address, in lower case; null where it does not have one in the usual form."""
    domain = recipient.rpartition("@")[2].strip("<> \t.").lower() if "@" in recipient else ""
    return domain if _DOMAIN.fullmatch(domain) else None


_DOMAIN = re.compile(r"[^\W_](?:[\w.-]{0,251}[^\W_])?|\[(?:ipv6:)?[0-9a-f:.]+\]")


class DescriptionMask:
    """Makes harmless, bounded lines of receivers' words, so that equal causes give equal lines.

    Masked are mail addresses, the recipient and its local part, numbers of ten digits or more, and the token.
    """

    def __init__(self, token: str) -> None:
        self._redactor = Redactor(token)
        self._lines: dict[str, str] = {}

    def line(self, text: str, recipient: str, envelope: str = "") -> str:
        """Return the beginning of `text` as such a line, without `recipient` and `envelope`."""
        text = _window(text).strip()
        flat = _flat(text)
        own = _own_parts(recipient, envelope)
        is_plain = flat.isascii()
        if not is_plain:
            recipient = _flat(recipient)
            own = tuple(_flat(part).lower() for part in own)
        if flat != text and _is_parted(flat, own):
            return MASK
        masked = flat.replace(recipient, MASK)
        for part in own:
            masked = _without_word(masked, part)
        if not is_plain or _ENCODED.search(masked):
            # What is encoded may hold a part of this very recipient.
            line = self._masked(masked, own)
        else:
            found = self._lines.get(masked)
            if found is None:
                if len(self._lines) >= _CACHE_LIMIT:
                    self._lines.clear()
                found = self._lines[masked] = self._masked(masked, ())
            line = found
        return line if len(line) <= DESCRIPTION_CHARS else line[:DESCRIPTION_CHARS] + "..."

    def is_own(self, word: str, recipient: str, envelope: str = "") -> bool:
        """Tell whether a word is a local part of the recipient or the envelope address."""
        return word.lower() in _own_parts(recipient, envelope)

    def word(self, text: str) -> str:
        """Return a short word of the service, such as a domain, without the token."""
        return self._redactor.mask(text)

    def _masked(self, text: str, own: tuple[str, ...]) -> str:
        return self._redactor.mask(_LONG_NUMBER.sub(MASK, _without_addresses(text, own)))


def _own_parts(recipient: str, envelope: str) -> tuple[str, ...]:
    """Return the local part of the recipient, with and without what follows a plus sign, in lower case, longest first.

    That of the envelope address is among them where it is more than a word.
    """
    local = recipient.rpartition("@")[0] or recipient
    local = local.strip('<>" ').lower()
    parts = {local, local.partition("+")[0]}
    sender = envelope.rpartition("@")[0].strip('<>" ').lower()
    if sender and not sender.isalpha():
        parts.add(sender)
    return tuple(sorted(filter(None, parts), key=len, reverse=True))


def _window(text: str) -> str:
    if len(text) <= _WINDOW:
        return text
    # The last word may be half an address.
    return "".join(re.split(r"(\s)", text[:_WINDOW])[:-1])


def _flat(text: str) -> str:
    """Return a line without entities of HTML, control and format characters, and look-alikes of an at sign."""
    for _layer in range(3):
        if "&" not in text:
            break
        text = html.unescape(text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = " ".join(text.split())
    if text.isprintable():
        return text
    return " ".join("".join(char for char in text if unicodedata.category(char)[0] != "C").split())


def _without_word(text: str, word: str) -> str:
    """Mask a word, in lower case, wherever it stands by itself, and a long one within others, too."""
    lower = text.lower()
    if word not in lower:
        return text
    if len(lower) != len(text):
        return re.sub(re.escape(word), MASK, text, flags=re.IGNORECASE)
    parts = []
    done = 0
    at = lower.find(word)
    while at >= 0:
        end = at + len(word)
        apart = not (lower[at - 1 : at].isalnum() or lower[end : end + 1].isalnum())
        if apart or len(word) >= _LONG:
            parts += [text[done:at], MASK]
            done = end
            at = lower.find(word, end)
        else:
            at = lower.find(word, at + 1)
    return "".join([*parts, text[done:]])


def _is_parted(line: str, own: tuple[str, ...]) -> bool:
    """Tell whether a long local part is there with white space in it, as a wrapped line has it."""
    lower = line.lower()
    squeezed = lower.replace(" ", "")
    return any(len(part) >= _LONG and squeezed.count(part) > lower.count(part) for part in own)


def _decoded(word: str) -> str:
    """Return a word with up to three layers of encoding taken off."""
    for _layer in range(3):
        word = html.unescape(unquote(word))
        word = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), word)
        word = _QUOTED_PRINTABLE.sub(lambda found: chr(int(found[1], 16)), word)
    return word


def _without_names(text: str) -> str:
    """Mask the display names right in front of masked addresses."""
    mark = f"<{MASK}"
    if mark not in text:
        return text
    if '"' in text:
        text = _QUOTED_NAME.sub(MASK, text)
    *before, rest = text.split(mark)
    return mark.join([*map(_without_name, before), rest])


def _without_name(text: str) -> str:
    """Mask the last words of a text that are capitalized, unless they belong to the message itself; at most four."""
    words = text.split()
    kept = len(words)
    while kept and len(words) - kept < 4:
        word = words[kept - 1]
        if not word[0].isupper() or not _NAME.fullmatch(word) or word.strip(".").lower() in _NO_NAMES:
            break
        kept -= 1
    if kept == len(words):
        return text
    return " ".join([*words[:kept], MASK]) + (" " if text.endswith(" ") else "")
