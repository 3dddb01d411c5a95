# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The troubleshooting page has an entry for each message that the sources can show, and quotes no other.

An entry begins with a list of messages as users meet them, in which words in capitals stand for what differs.
"""

from __future__ import annotations

import http
import re
from typing import Iterator, NamedTuple

import pytest
from ansible_collections.mailops.smtpeter.tests.project import messages
from ansible_collections.mailops.smtpeter.tests.project.messages import ROOT, TEXT_OF, Text

PAGE = ROOT / "docs" / "docsite" / "rst" / "troubleshooting.rst"
SECTION = re.compile(r"^(?P<title>\S.*)\n(?P<line>([-^])\3+)\n", re.MULTILINE)
QUOTE = re.compile(r"^\* ``(.+?)``$", re.MULTILINE | re.DOTALL)

# What no user meets, and why.
NEVER_MET = {
    "{} is locked": "whoever takes the lock says something better of it",
    "The service was not started; call start() first": "the module starts it before it asks",
    "tls: there is no certificate to serve with": "the module makes one before it starts",
    "the deadline has passed": "it is told as `no whole answer came in time`",
    "Tunnel connection failed: ([0-9]{3})\\b": "it is what http.client says, to be told as `it answered N`",
    "unknown content encoding": "it is told as `its HTTP answer is malformed`",
    "The bad campaign was let through.": "the demo's campaign is bad, and its tests see that it is stopped",
}
# Texts that are no messages: file, pattern, and what they are.
OTHER = (
    (
        r"module_utils/_sandbox/(store|schema|datafile)\.py",
        r"\s*(CREATE|ALTER|SELECT|INSERT|UPDATE|COALESCE|PRAGMA|BEGIN|WHERE)\b.*|number, id, .*",
        "SQL",
    ),
    (r"module_utils/_sandbox/failures\.py", r".*", "what made-up receivers say"),
    (r"module_utils/_sandbox/events\.py", r"User-Agent: .*|From: MAILER-DAEMON@.*", "headers of made-up mail"),
    (r"plugin_utils/_report/_(page|palette)\.py", r".*", "markup and style"),
    (r"plugin_utils/_report/_(model|text)\.py", r"Looked .*|, (from|at) .*|not set|.* in between .*", "figures"),
    (r"plugin_utils/_report/_text\.py", r"and \{\} more|.* are left out; the worst come first\.", "figures"),
    (r"plugin_utils/_report/_(model|text)\.py", r".* \(\{\} failed\)|(\{\} h )?\{\} min( \{\} s)?", "figures"),
    (r"plugin_utils/_report/junit\.py", r"<\?xml .*|note: .*|not decided, .*", "markup"),
    (r"plugin_utils/_report/(markdown|html)\.py", r"###? .*|<details>.*|Decided by|The last failed look", "headings"),
    (r"plugin_utils/_report/svg\.py", r"\{\}-title \{\}-desc|Campaign gate: .*|Delivery ratio: .*", "names, headings"),
    (
        r"plugin_utils/_report/svg\.py",
        r".*(of \{\} delivered|in the end, .*|\(dotted.*|\(dashed\)|\{\} required)",
        "figures",
    ),
    (r"plugin_utils/_report/svg\.py", r"no reading|failed look|.* since the first look", "words in a picture"),
    (
        r"plugin_utils/_(forms|since|tag_health|report/_reader)\.py",
        r"the input( of since)?",
        "a name that messages begin with",
    ),
    (
        r"module_utils/.*|plugin_utils/_cache\.py",
        r"(ansible )?mailops\.smtpeter( sandbox( authority)?| record 1)?",
        "names",
    ),
    (r"module_utils/_(moment|outcomes)\.py", r"(\(\?P<date>|\[A-Za-z\]).*", "patterns"),
    (r"plugin_utils/_look\.py", r"\\\. In some cases, .*|\(Shared connection.*", "patterns of what others say"),
    (r"module_utils/_sandbox/connection\.py", r"HTTP/1\.1 .*", "a status line"),
    (r"module_utils/_sandbox/routes\.py", r"text/plain; charset=utf-8", "a header"),
    (r"playbooks/.* \((gate_options|fleet_(reading|policy|known))\)", r"[a-z_]+( [a-z_]+)+", "names of options"),
    (r"playbooks/demo\.yml .*", r".*newsletter: .*|.* messages delivered, .*", "what the demo shows of healthy mail"),
    (r"playbooks/demo\.yml .*", r".* messages were refused by .*", "what the demo shows of mail that failed"),
    (r"playbooks/react\.yml .*", r".*", "an example, which the reader replaces"),
    (r"playbooks/demo\.yml .*", r"One error above was meant.*", "the demo's last words"),
    (r"playbooks/demo\.yml .*", r"spring-sale is not healthy", "the demo provokes it, and then shows the reason"),
)
# What others say, as far as the page quotes it.
FOREIGN = (
    "Unsupported parameters for",
    "missing required arguments: tags",
    "Failed to create temporary directory",
    "must be one of",
    "has no attribute 'wave'",
    "'connection refused'",
    "'network is unreachable'",
    "disk I/O error",
)
PHRASES = tuple(f"({status.phrase})" for status in http.HTTPStatus)


class Entry(NamedTuple):
    """A section of the page that explains messages: its heading, what it quotes, and what it says of that."""

    title: str
    quotes: list[str]
    text: str


def entries(page: str) -> Iterator[Entry]:
    """The entries of the page: the sections of the lower level."""
    found = list(SECTION.finditer(page))
    for position, heading in enumerate(found):
        end = found[position + 1].start() if position + 1 < len(found) else len(page)
        body = page[heading.end() : end]
        if heading["line"].startswith("^"):
            quotes = [" ".join(quote.split()) for quote in QUOTE.findall(body)]
            yield Entry(heading["title"], quotes, QUOTE.sub("", body).strip())


def is_message(text: Text) -> bool:
    """Whether a user can meet a text as a message."""
    return text.is_prose and text.shown not in NEVER_MET and not any(is_named(text, *entry) for entry in OTHER)


def is_named(text: Text, place: str, pattern: str, _what: str) -> bool:
    """Whether an entry of OTHER is about a text."""
    return bool(re.search(rf"(^|/)({place})(:\d+)?$", text.place) and re.fullmatch(pattern, text.shown, re.DOTALL))


def is_in(text: Text, quote: str) -> bool:
    """Whether a quote shows a text; the word or two of a short one could stand anywhere, so it has to begin there."""
    if text.told and len(text.words) < 3:
        first, *rest = map(re.escape, text.fragments)
        return bool(re.fullmatch(".+".join([first, *rest]) if first else r"\S+" + ".+".join(rest), quote))
    return bool(text.pattern.search(quote))


def unexplained(texts: list[Text], quotes: list[str]) -> list[str]:
    """The messages among the texts that no quote shows, with their places."""
    return [
        f"{text.place}: {text.shown}"
        for text in texts
        if is_message(text) and not any(is_in(text, quote) for quote in quotes)
    ]


def unsaid(texts: list[Text], quotes: list[str]) -> list[str]:
    """The quotes with words that no text has there; what fills a hole is in capitals, or a name of the sources."""
    names = {text.shown.strip() for text in texts if len(text.shown.split()) == 1}
    patterns = {text.pattern for text in texts if text.is_prose} | {
        re.compile(re.escape(words)) for words in (*FOREIGN, *PHRASES)
    }
    return [
        f"{quote}: {strange}"
        for quote in quotes
        if (strange := [word for word in uncovered(quote, patterns) if word not in names and not word.isupper()])
    ]


def uncovered(quote: str, patterns: set[re.Pattern[str]]) -> list[str]:
    """The words of a quote that are in no fixed part of a text."""
    covered: set[int] = set()
    for pattern in patterns:
        for found in pattern.finditer(quote):
            holes = (range(*found.span(hole)) for hole in range(1, pattern.groups + 1))
            covered |= set(range(*found.span())).difference(*holes)
    return [
        word[0] for word in re.finditer(r"[A-Za-z][A-Za-z_]+", quote) if not covered.issuperset(range(*word.span()))
    ]


@pytest.fixture(scope="module")
def texts() -> list[Text]:
    """All texts of the sources."""
    return messages.texts()


@pytest.fixture(scope="module")
def page() -> list[Entry]:
    """All entries of the page."""
    return list(entries(PAGE.read_text(encoding="utf-8")))


def quotes_of(page: list[Entry]) -> list[str]:
    """All messages that the page quotes."""
    return [quote for entry in page for quote in entry.quotes]


def test_each_message_has_an_entry(texts: list[Text], page: list[Entry]) -> None:
    """A new refusal, warning, note or reason needs an entry on the page."""
    assert unexplained(texts, quotes_of(page)) == []


def test_each_entry_is_of_a_message(texts: list[Text], page: list[Entry]) -> None:
    """What the page quotes is said by the sources, or by those of FOREIGN, who are quoted."""
    quotes = quotes_of(page)
    assert unsaid(texts, quotes) == []
    assert [words for words in FOREIGN if not any(words in quote for quote in quotes)] == []


def test_the_page_is_whole(page: list[Entry]) -> None:
    """Each entry quotes a message and says more of it, and none is quoted twice."""
    assert [entry.title for entry in page if not entry.quotes or len(entry.text.split()) < 5] == []
    quotes = quotes_of(page)
    assert [quote for quote in quotes if quotes.count(quote) > 1] == []


def test_what_is_no_message_is_there(texts: list[Text]) -> None:
    """The lists of what users do not meet name nothing that is gone."""
    assert [shown for shown in NEVER_MET if not any(text.shown == shown for text in texts)] == []
    prose = [text for text in texts if text.is_prose]
    assert [entry for entry in OTHER if not any(is_named(text, *entry) for text in prose)] == []


def test_each_error_is_known() -> None:
    """An error that builds its text itself is in the finder's list, and each has a name that the finder knows."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "plugins").rglob("*.py")]
    own = {name: builds for source in sources for name, builds in messages.own_errors(source)}
    assert {name for name, builds in own.items() if builds} == set(TEXT_OF)
    assert [name for name in own if not messages.TELLS.search(name)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise OptionError("tags", f"{tag!r} is odd")', ["tags: {} is odd"]),
        ('raise OptionError(name, "it is odd")', ["{}: it is odd"]),
        ('raise OptionError(name, problem="it is odd" if odd else "bad")', ["{}: it is odd", "{}: bad"]),
        ('raise StatsError("answer", tag, f"broken {x}")', ["broken {}"]),
        ('raise SandboxError(f"broken {x:>9}") from None', ["broken {}"]),
        ('raise AnsibleError("Broken")', ["Broken"]),
        ('module.fail_json(msg="broken: " + x)', ["broken: "]),
        ('display.warning("is " f"{x}" " odd")', ["is {} odd"]),
        ('warn("broken")', ["broken"]),
        ('notes.append(f"{key} is odd")', ["{} is odd"]),
        ('REASONS = {"a": "it is odd"}', ["it is odd"]),
        ('return "it is odd" if odd else None', ["it is odd"]),
        ('"""It is a docstring."""', []),
        ('DOCUMENTATION = "it is documentation"', []),
        ('x = {"some_key": "value", f"{a}.{b}": "; "}', []),
    ],
)
def test_finder_in_python(source: str, found: list[str]) -> None:
    """Whatever way a message is put together, its fixed fragments are found."""
    texts = messages.texts_of_python(source.replace("return", "x ="), "x.py")
    assert [text.shown for text in texts if text.is_prose] == found
    assert [entry.split(": ", 1)[1] for entry in unexplained(texts, [])] == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("- fail:\n    msg: Broken", ["Broken"]),
        ('- assert:\n    that: it is odd\n    fail_msg: "{{ x }} is odd"', ["{} is odd"]),
        ("vars:\n  p: '{% if a %}it is {{ b }}{% else %}it is odd{% endif %}'", ["it is {}", "it is odd"]),
        ("- fail:\n    msg: \"{{ x ~ ' is not odd' if x }}\"", [" is not odd"]),
        ("- name: It is a name\n  fail:\n    msg: '{{ x }}'", []),
    ],
)
def test_finder_in_playbooks(source: str, found: list[str]) -> None:
    """What a task fails with is found, also where it is in a variable."""
    texts = messages.texts_of_playbook(source, "x.yml")
    assert [text.shown for text in texts if text.is_prose] == found


def test_what_does_not_fit_is_seen() -> None:
    """A message whose words changed is without an entry, and the entry without a message."""
    texts = messages.texts_of_python(
        'raise OptionError("tags", f"{tag!r} is odd, {count} times; give another")', "x.py"
    )
    assert unexplained(texts, ["tags: 'TAG' is odd, N times; give another"]) == []
    assert unsaid(texts, ["tags: 'TAG' is odd, N times; give another"]) == []
    for stale in ("tags: 'TAG' is odd, N times; name another", "data: 'TAG' is odd, N times; give another", "is odd"):
        assert len(unexplained(texts, [stale])) == 1
    for stale in ("tags: 'TAG' is odd, N times; name another", "tags: 'TAG' is odd"):
        assert len(unsaid(texts, [stale])) == 1


def test_a_short_text_is_not_found_anywhere() -> None:
    """A new error of a word or two is not explained by an entry that happens to have them."""
    texts = messages.texts_of_python('raise SandboxError(f"{name} at {path}")', "x.py")
    assert len(unexplained(texts, ["the sandbox did not answer at URL and was ended; see PATH"])) == 1
    assert unexplained(texts, ["NAME at PATH"]) == []
