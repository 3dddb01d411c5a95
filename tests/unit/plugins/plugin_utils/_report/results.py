"""What `campaign_gate` returns, made up for the tests of the reports; no gate made it. GATES has results by name."""

from dataclasses import asdict
from datetime import datetime, timedelta, timezone

from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.judgement import Judgement
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy

START = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
HOSTILE = (
    "<script>alert(1)</script>|`x``&\"'>*_[a](http://evil.example)![i](//evil.example/i.png)|www.evil.example"
    "\u202egpj.exe\x00\x1b[31m\ud800\ufffe\u2028me@evil.example\\|"
)
BUSY = "the service answered with status 503 (4 attempts)"
ODD = "# 1. - --- ]]> {{ 1 + 1 }} {% raw %} --> </style></svg>"


def moment(seconds):
    """So many seconds after the first look."""
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def judged(tag, verdict, messages, deliveries, reasons=(), decided_by=None, due=0, notes=(), carried=0):
    """What a result has of a tag, by counters; so many of its deliveries may be carried over."""
    reasons = reasons or (f"{tag}: {deliveries} of {messages} messages are delivered",)
    judgement = Judgement(verdict, decided_by, reasons, 0.95, deliveries - carried, deliveries, messages, due)
    record = Record(tag, messages, deliveries, 0, 0, notes=tuple(notes), carried_over=carried)
    return {**judgement.as_dict(), "record": record.as_dict()}


def counts(keys, *rows):
    """Dicts with the same keys."""
    return [dict(zip(keys.split(), row)) for row in rows]


def with_outcome(tag, verdict, totals, timeline, seconds, reasons=(), causes=None, domains=None):
    """What a result has of a tag, by outcomes; the spans of the timeline take so many seconds each."""
    messages, deliveries, failed = totals
    if causes is None:
        causes = [(550, "5.1.1", "rcpt", "no such user", failed, ["example.com"])]
        domains = [("example.com", *totals)]
    spans = [(moment(place * seconds - 120), seconds, *span) for place, span in enumerate(timeline)]
    outcome = {
        "messages": messages, "deliveries": deliveries, "failed": failed, "notes": [],
        "failures": counts("code status state description messages domains", *causes),
        "domains": counts("domain messages deliveries failed", *domains),
        "timeline": counts("at seconds messages deliveries failed", *spans),
    }  # fmt: skip
    entry = judged(tag, verdict, messages, deliveries, reasons, "evidence", messages)
    return {**entry, "delivered_at_most": messages - failed, "outcome": outcome}


def history(seconds, errors=(), **rows):
    """Looks so many seconds apart: by tag what each counted, and an error in place of some."""
    found = [{"tags": dict(zip(rows, counts("messages deliveries failed", *row)))} for row in zip(*rows.values())]
    for number, error in errors:
        found[number] = {"error": error}
    return [{"at": moment(seconds * number), **look} for number, look in enumerate(found)]


def result(verdict, tags, kept, policy=(), errors=(), **more):
    """What a gate returns; `errors` are those of the last failed look, by tag."""
    reasons = [reason for entry in tags.values() for reason in entry["reasons"]]
    worst = next(entry for entry in tags.values() if entry["verdict"] == verdict)
    return {
        "verdict": verdict, "msg": f"{verdict}: {'; '.join(worst['reasons'])}", "reasons": reasons, "tags": tags,
        "looks": len(kept), "waited": 0.21, "errors": len(errors and (1,)),
        "last_errors": {tag: {"kind": "service", "status": 503, "msg": f"tag '{tag}': {msg}"} for tag, msg in errors},
        "history": kept, "history_dropped": 0, "policy": {**asdict(Policy()), **dict(policy)}, **more,
    }  # fmt: skip


def bare(text, verdict, **more):
    """The least that a result holds: the text is its tag, and stands wherever it has text."""
    return {
        "verdict": verdict, "msg": text, "reasons": [text], "looks": 1, "waited": 0, "errors": 0, "history_dropped": 0,
        "tags": {text: {"verdict": verdict, "reasons": [text, f"see {text}"], "required_delivery_ratio": 0.95}},
        "last_errors": {text: {"msg": text}},
        "policy": {"baseline_tag": text, "expected_messages": {text: 500}}, **more,
    }  # fmt: skip


def hostile():
    """Tags, words of receivers and other texts that try to break out of every format."""
    reasons = (f"{HOSTILE}: poor", "- nested\n- list\n\n<img src=x onerror=alert(1)>")
    causes = [(550, text, text, text, 30, [HOSTILE, ODD]) for text in (HOSTILE, ODD)]
    domains = [(text, 100, 20, 30) for text in (HOSTILE, ODD)]
    totals = (200, 40, 60)
    tags = {HOSTILE: judged(HOSTILE, "fail", 200, 40, reasons, "ratio", 200, notes=[HOSTILE])}
    tags[HOSTILE]["outcome"] = with_outcome("", "fail", totals, [totals], 60, (), causes, domains)["outcome"]
    tags[ODD] = judged(ODD, "pass", 200, 200, (f"{ODD}: fine",), "ratio")
    looks = history(30, [(1, f"{HOSTILE} {ODD}")], **{HOSTILE: [(100, 10)] * 3, ODD: [(100, 100)] * 3})
    return result("fail", tags, looks, policy={"baseline_tag": HOSTILE}, errors=[(HOSTILE, f"<b>no</b> | {ODD}")])


def outcomes_failed():
    """By outcomes: a receiver refused mail after a release, and evidence failed the tag."""
    reason = "receipts: at most 504 of 600 messages can be delivered (84%); 80 refused by example.net with 550 5.7.1"
    causes = [
        (550, "5.7.1", "rcpt", "550 5.7.1 Message from this sender is blocked by our policy", 80, ["example.net"]),
        (550, "5.1.1", "rcpt", "550 5.1.1 [masked]: no such user", 9, ["example.com", "example.org", "mail.example"]),
        (452, "5.2.2", "data", "mailbox full", 4, ["example.com"]),
        (None, None, "bounce", "message was returned", 3, ["example.org"]),
    ]
    domains = [("example.com", 300, 270, 10), ("example.net", 200, 100, 80), ("example.org", 80, 72, 6)]
    spans = [(25, 24, 1)] * 10 + [(25, 17, 7)] * 10 + [(25, 16, 4), (25, 14, 4), (25, 12, 4), (25, 10, 4)]
    domains.append((None, 20, 20, 0))
    entry = with_outcome("receipts", "fail", (600, 462, 96), spans, 30, (reason,), causes, domains)
    looks = [(600, 462 * look // 9, 96 * look // 12 + 24) for look in range(1, 10)]
    return result("fail", {"receipts": entry}, history(30, receipts=looks), waited=241.2)


def outcomes_of_five_tags():
    """By outcomes: five tags, one that was never read, and one with a time without mail."""
    tags, counted = {}, {}
    for tag, verdict, *totals in (
        ("invoices", "pass", 400, 394, 4), ("password-reset", "fail", 600, 420, 120),
        ("newsletter-2026-03", "inconclusive", 800, 744, 16), ("welcome", "pass", 1000, 990, 3),
    ):  # fmt: skip
        messages, deliveries, lost = totals
        spans = [tuple(count // 12 for count in totals)] * 12
        if tag == "newsletter-2026-03":
            spans[3:5] = [(0, 0, 0)] * 2
        tags[tag] = with_outcome(tag, verdict, totals, spans, 60)
        counted[tag] = [(messages, deliveries * look // 6, lost * look // 6) for look in range(1, 7)]
    tags["status"] = {**judged("status", "error", 0, 0), "record": None}
    looks = history(60, [(2, f"status: {BUSY}")], **counted)
    return result("fail", tags, looks, waited=300.4, errors=[("status", BUSY)])


EVIDENCE = ("wave-2: at most 212 of the 400 messages that are more than 900 seconds old are delivered (53%)",)
GATES = {
    # Greylisted at first, passed by the counts; the history is thinned out.
    "pass": result(
        "pass", {"wave-1": judged("wave-1", "pass", 1000, 962, (), "ratio", 180)},
        history(90, **{"wave-1": [(180, 151), (420, 360), (700, 610), (1000, 872), (1000, 962)]}),
        looks=20, waited=660.42, history_dropped=15,
    ),
    # One of two tags failed by evidence, the other was undecided, with mail carried over; one look failed.
    "fail": result(
        "fail", {
            "wave-2": judged("wave-2", "fail", 1000, 280, EVIDENCE, "evidence", 400),
            "welcome": judged("welcome", "inconclusive", 240, 240, (), None, 120, ["carried over"], carried=9),
        },
        history(60, [(5, f"wave-2: {BUSY}; welcome: {BUSY}")], **{
            "wave-2": [(400 + 40 * look, 40 + 16 * look) for look in range(16)],
            "welcome": [(120 + 8 * look, 120 + 8 * look) for look in range(16)],
        }),
        waited=903.1, history_dropped=1, errors=[("wave-2", BUSY), ("welcome", BUSY)],
    ),
    # A single look at too few messages.
    "inconclusive": result(
        "inconclusive", {"wave-3": judged("wave-3", "inconclusive", 88, 84, carried=4)},
        history(1, **{"wave-3": [(88, 84)]}), policy={"expected_messages": {"wave-3": 500}, "min_open_ratio": 0.1},
    ),
    # The first look failed for good, so there never was a record.
    "error": result(
        "error", {"wave-4": {**judged("wave-4", "error", 0, 0), "record": None}},
        [{"at": moment(0), "error": BUSY}], errors=[("wave-4", BUSY)],
    ),
    "hostile": hostile(),
    "refused": outcomes_failed(),
    "no-mail": result(
        "error", {"a": with_outcome("a", "error", (0, 0, 0), [], 1, (), [], [])}, history(30, a=[(0, 0, 0)])
    ),
    "five-tags": outcomes_of_five_tags(),
}  # fmt: skip
