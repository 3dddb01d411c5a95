"""The redactor masks the token however it is written, shows nothing harmful, and leaves the rest alone."""

import base64
import html
import json
import unicodedata
from urllib.parse import quote

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._redact import EXCERPT_CHARS, MASK, Redactor
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import leaks, spellings
from hypothesis import given, settings
from hypothesis import strategies as st

TOKEN = 's3cr&t/+%"<é>tok\\en'
PLAIN = "0123456789abcdef"

printable = st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["C", "Z", "M"])
# The mask, and what stands beside it, could come to a token that begins with the mask's own character.
tokens = st.text(printable, min_size=8, max_size=40).filter(lambda token: MASK[0] not in token)


def ways(token):
    """How a token may be written: in any encoding and any case, within longer Base64, and in odd ways."""
    for change in (str, str.upper, str.lower) if token.isascii() or token == TOKEN else (str,):
        yield from map(change, spellings(token).values())
    for shift in range(12):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"?" * shift + token.encode() + b"&b=1").decode()
    # PHP's htmlentities names more characters than the five of XML.
    yield from (html.escape(token).replace("é", "&eacute;"), html.escape(html.escape(token)))
    yield from ("\x08".join(token), " ".join(token))


@pytest.mark.parametrize("token", [TOKEN, PLAIN, "é" * 8 + "abc", "\N{PILE OF POO}" * 8, "ßſİıK" * 3, "password-π"])
def test_a_token_is_masked_in_whichever_way_it_is_written(token):
    """It is cut out of a text, if need be with what stands around it."""
    for written in ways(token):
        said = Redactor(token).excerpt(f"before {written} after".encode())
        assert MASK in said, written
        assert leaks(said, token) == [], written
    for name in ("raw", "percent", "JSON", "HTML"):
        assert Redactor(token).excerpt(f"before {spellings(token)[name]} after".encode()) == f"before {MASK} after"


GAPS = ["\n", "\r\n\t\t", "\n" + " " * 40, "\\\n", "\0", "\x1b", "\x7f", "\x85", "\xad", "\u200b", "\u2028", "\ufeff"]


@pytest.mark.parametrize("gap", GAPS, ids=ascii)
@pytest.mark.parametrize("name", ["raw", "percent", "JSON", "Base64, 0"])
def test_a_token_that_is_taken_apart_is_masked(gap, name):
    """Line ends, indentation and invisible characters within the token don't let it through."""
    written = spellings(TOKEN)[name]
    # Wherever a line may be wrapped: within an escape sequence the text would be another one.
    for place in [5] if name in ("percent", "JSON") else range(1, len(written)):
        said = Redactor(TOKEN).excerpt(f"before {written[:place]}{gap}{written[place:]} after".encode())
        assert leaks(said, TOKEN) == [], place
        assert MASK in said


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp1252"])
def test_a_token_in_another_charset_is_masked(charset):
    """A page that is not UTF-8 does not show the token with one character damaged."""
    said = Redactor(TOKEN).excerpt(f"before {TOKEN} after".encode(charset))
    assert MASK in said
    for part in ("s3cr", "tok", "en after"):
        assert part not in said


def test_ordinary_text_is_untouched():
    """What is not the token stays as it is; all of the token's occurrences do not, side by side either."""
    text = (
        f'Ordinary, with 100% of its (punctuation): <tags/> & "quotes"; s3cr&t tok\\en %2e \\u00e9 &amp; {PLAIN[:-1]}'
    )
    assert Redactor(PLAIN).mask(f"{PLAIN * 2} {text} {PLAIN}") == f"{MASK}{MASK} {text} {MASK}"
    for token in (TOKEN, PLAIN):
        assert Redactor(token).mask(text) == text
        assert Redactor(token).excerpt(text.encode()) == text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        *((nothing, "") for nothing in (b"", b" \r\n\t ", b"\0\0\0")),
        (b"\x1b[31mred\x1b[0m\x07 bell\r\ntwo\tthree\x0bfour", "[31mred [0m bell two three four"),
        ("\ufeffa\u202eb\u200bc\u2028d\u2066e\ue000f".encode(), "a b c d e f"),
        ("Übergröße \N{GRINNING FACE}".encode() + b"\xff\xfe", "Übergröße \N{GRINNING FACE}\ufffd\ufffd"),
        (b"x" * EXCERPT_CHARS, "x" * EXCERPT_CHARS),
        *((b"x" * length, "x" * EXCERPT_CHARS + "...") for length in (EXCERPT_CHARS + 1, 100 * EXCERPT_CHARS)),
    ],
)
def test_an_excerpt_is_one_harmless_line(body, said):
    """Control characters, terminal escapes, line ends and reordering marks become a space; a long text is cut."""
    assert Redactor(PLAIN).excerpt(body) == said


def test_a_token_across_the_end_of_an_excerpt_does_not_show():
    """What is cut has been masked before, so that no part of the token is left."""
    for before in range(EXCERPT_CHARS - len(PLAIN) - 2, EXCERPT_CHARS + 2):
        assert PLAIN[:4] not in Redactor(PLAIN).excerpt(b"x" * before + PLAIN.encode() + b" and more")


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        *("\\" * 2**18, "&#" + "0" * 2**18, "&#0" * 2**16, "%25" * 2**16, "%" + "25" * 2**17, "s" * 2**18),
        *(("s" + " " * 9) * 2**14, "s3cr&t/+%" * 2**14),
        "".join(f"{char}{chr(92) * 9}" for char in PLAIN[:-1]) + "x",
        "".join(f"{chr(92) * 9}u{ord(char):04x}" for char in PLAIN[:-1]) + "x",
        "".join(f"{chr(92) * 40}u{ord(char):04x}\n" for char in PLAIN[:-1]) * 99,
    ],
    ids=lambda body: body[:12],
)
def test_no_text_takes_long(body, within):
    """A service that knows the token cannot write a text that keeps the redactor busy; nor does its repr show it."""
    for token in (TOKEN, PLAIN):
        redactor = Redactor(token)
        assert leaks(repr(redactor), token) == []
        with within(20):  # a tenth of a second, unless the machine is busy
            redactor.excerpt(body.encode())


@settings(max_examples=40)
@given(token=tokens, data=st.data())
def test_any_mixture_of_encodings_is_masked(token, data):
    """Each character may be encoded in its own way, and have its own gap after it."""
    encodings = [
        str, html.escape, lambda char: quote(char, safe=""), lambda char: json.dumps(char)[1:-1],
        lambda char: f"&#{ord(char)};", lambda char: f"&#x{ord(char):x};", lambda char: quote(quote(char, safe="")),
    ]  # fmt: skip
    written = "".join(
        data.draw(st.sampled_from(encodings))(char) + data.draw(st.sampled_from(["", "", "\0", "\n "]))
        for char in token
    )
    assert Redactor(token).excerpt(f"<p>{written}\n</p>".encode()).replace(" ", "") in (f"<p>{MASK}</p>", MASK)


@settings(max_examples=40)
@given(token=tokens, text=st.text())
def test_an_excerpt_of_anything_is_printable_and_short(token, text):
    """Whatever came, one line without control characters comes out, and the token is not in it."""
    said = Redactor(token).excerpt((text + token + text).encode("utf-8", "surrogatepass"))
    assert len(said) <= EXCERPT_CHARS + 3
    assert all(char == " " or unicodedata.category(char)[0] not in "CZ" for char in said)
    assert token not in said or token in text
