"""Privacy: no address, no local part and no envelope in what is made of a receiver's words, however they repeat it."""

import re
from urllib.parse import quote

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._privacy import DescriptionMask, mask_addresses
from ansible_collections.mailops.smtpeter.tests.unit.plugins.eventful import ENVELOPE
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks, spellings
from hypothesis import given, settings
from hypothesis import strategies as st

TOKEN = 's3cr&t/+%"<é>tok\\en'
RECIPIENT = "jane.doe+news@example.com"
DESCRIPTION_CHARS = 160

# How a receiver may repeat an address; what is left of it must hold none of the words.
WAYS = {
    "plain": lambda address: f"mailbox {address} is full",
    "angle brackets": lambda address: f"<{address}>: unknown user",
    "entities for the brackets": lambda address: f"&lt;{address}&gt;: unknown user",
    "after a word": lambda address: f"rcpt=<{address}> to={address};from={address},x",
    "mailto": lambda address: f"see mailto:{address}?subject=x",
    "parentheses": lambda address: f"({address}) [{address}] {{{address}}}",
    "percent-encoded": lambda address: f"see http://x.example/?r={quote(address, safe='')}&x=1",
    "percent-encoded, every letter": lambda address: "see " + "".join(f"%{ord(char):02x}" for char in address),
    "percent-encoded twice": lambda address: f"see x?{quote(quote(address, safe=''), safe='')}",
    "percent-encoded brackets": lambda address: f"see x?{quote(f'<{address}>', safe='')}",
    "entity for the at sign": lambda address: f"{address.replace('@', '&#64;')}, {address.replace('@', '&commat;')}",
    "every letter an entity": lambda address: "user " + "".join(f"&#x{ord(char):x};" for char in address),
    "JSON": lambda address: '{"to": "' + address.replace("@", "\\u0040") + '"}',
    "quoted-printable": lambda address: f"user {address.replace('@', '=40')}",
    "VERP": lambda address: f"to list-return+{address.replace('@', '=')}@lists.example",
    "local part": lambda address: f"no such user: {address.split('@')[0]}",
    "local part, upper case": lambda address: f"no such user: {address.split('@')[0].upper()}.",
    "local part without the plus": lambda address: f"user {address.split('+')[0]} is unknown",
    "local part in a path": lambda address: f"/var/mail/{address.split('@')[0]}/inbox, {address.split('@')[0]}'s quota",
    "local part, percent-encoded": lambda address: f"user {quote(address.split('@')[0], safe='').replace('.', '%2E')}",
    "local part in a word": lambda address: f"box_{address.split('@')[0]}_1 is full",
    "wrapped": lambda address: f"user {address[:6]}\r\n {address[6:]} is\r\n\tfull",
    "wrapped at the at sign": lambda address: f"{address.replace('@', '@ ')}, {address.replace('@', chr(10) + '@')}",
    "zero-width characters": lambda address: "user " + "\u200b".join(address),
    "control characters": lambda address: "user " + "\x00".join(address),
    "soft hyphens": lambda address: "user " + "\xad".join(address),
    "full width": lambda address: "user " + address.translate({code: code + 0xFEE0 for code in range(33, 127)}),
    "full-width at sign": lambda address: f"user {address.replace('@', '＠')}",
    "display name": lambda address: f'550 "Jane Q. Doe" <{address}> is unknown',
    "display name without quotes": lambda address: f"Recipient Jane Doe <{address}> is unknown",
    "display name of another": lambda _address: "for Jane Doe <jdoe@other.example>: unknown",
    "another address": lambda _address: "relay of jane.doe@other.example to jane.doe@[192.0.2.1] denied",
    "quoted local part": lambda _address: 'user "jane doe"@other.example is unknown',
    "comment": lambda _address: "user jane.doe(home)@other.example is unknown",
    "envelope": lambda _address: f"sender <{ENVELOPE}> rejected, {ENVELOPE.split('@', maxsplit=1)[0]} too",
    "long, and cut within": lambda address: "x" * (DESCRIPTION_CHARS - 5) + f" {address}",
    "beyond the window": lambda address: "x " * 2040 + f"user jane.{address}",
    "a window of addresses": lambda address: f"{address} " * 400,
}  # fmt: skip
PRIVATE = re.compile(r"jane|doe|verp|bounces\+|7f3a", re.IGNORECASE)


@pytest.mark.parametrize("way", WAYS)
def test_no_address_gets_through(way):
    """In whichever way it is repeated, and to whomever it belongs; the line is bounded and printable."""
    mask = DescriptionMask(TOKEN)
    text = WAYS[way](RECIPIENT)
    for _time in range(2):
        line = mask.line(text, RECIPIENT, ENVELOPE)
        assert PRIVATE.findall(line) == []
        assert line.isprintable()
        assert len(line) <= DESCRIPTION_CHARS + 3
    if "local part" not in way and way not in ("envelope", "wrapped"):
        # A message of the service, of which no recipient is known, has no address in it either.
        line = mask_addresses(" ".join(text.split()))
        assert "@example.com" not in line.lower()
        assert PRIVATE.findall(line) == []


@pytest.mark.parametrize(
    ("local", "text", "line"),
    [
        ("jane", "550 5.1.1 <{}>: Recipient rejected: User unknown", "550 5.1.1 <*>: Recipient rejected: User unknown"),
        ("jane", "Mail from <{}> &amp; others &lt;refused&gt;", "Mail from <*> & others <refused>"),
        ("jane", "[203.0.113.5] is in https://x.example/?p=No", "[203.0.113.5] is in https://x.example/?p=No"),
        ("jane", "no such user {}\n(in reply to RCPT TO)", "no such user * (in reply to RCPT TO)"),
        ("jane", "mailbox full (1234567890) id 123456789", "mailbox full (*) id 123456789"),
        ("jane", "Recipient <{}> Unknown", "Recipient <*> Unknown"),
        ("jane", "Sender Bob Jones <bob@x.nl> or User <bob@x.nl>", "Sender * <*> or User <*>"),
        ("jane", "  \r\n ", ""),
        # A short local part is masked where it stands by itself, a long one within words, too.
        ("info", "information for info: no info@", "information for *: no *"),
        ("user", "no such user", "no such *"),
        ("postmaster", "Postmasters are full", "*s are full"),
        ("o'brien", "O'Brien is full", "* is full"),
        ("x.y", "x-y x.y xxy", "x-y * xxy"),
    ],
)
def test_the_rest_stays(local, text, line):
    """Causes stay readable: addresses, local parts, names and long numbers are masked, and no more than these."""
    recipient = f"{local}@example.com"
    assert DescriptionMask(TOKEN).line(text.format(recipient), recipient) == line.replace("*", "********")


def test_equal_causes_are_equal():
    """Neither the recipient nor the case number makes a difference; what was masked is kept within bounds."""
    mask = DescriptionMask(TOKEN)
    for number in range(5000):
        text = f"5.1.1 <user{number}@a.example>: user{number} unknown, case {10**10 + number}"
        assert mask.line(text, f"user{number}@a.example") == "5.1.1 <********>: ******** unknown, case ********"
        mask.line(f"case {number}", RECIPIENT)
    assert len(mask._lines) <= 4096


def test_the_token_is_masked():
    """In every spelling, also where it stands at the end of what is shown."""
    mask = DescriptionMask(TOKEN)
    for written in spellings(TOKEN).values():
        for text in (f"token {written} is bad", "x" * 150 + f" {written}"):
            assert leaks(mask.line(text, RECIPIENT), TOKEN) == []
    assert leaks(mask.word(f"{TOKEN}.example"), TOKEN) == []


@settings(max_examples=40)
@given(st.text(), st.emails())
def test_any_text(text, recipient):
    """It never fails, and what comes is bounded, printable and without the recipient."""
    line = DescriptionMask(TOKEN).line(f"{text} {recipient} {text}", recipient)
    assert line.isprintable()
    assert len(line) <= DESCRIPTION_CHARS + 3
    assert recipient.lower() not in line.lower()


def test_the_same_text_for_two_recipients():
    """What was masked for one does not unmask the other."""
    for dot in (".", "%2E", "&#46;"):
        mask = DescriptionMask(TOKEN)
        for name in ("jane.doe", "john.roe", "jane.doe"):
            assert name[:4] not in mask.line(f"users jane{dot}doe and john{dot}roe", f"{name}@example.com")
