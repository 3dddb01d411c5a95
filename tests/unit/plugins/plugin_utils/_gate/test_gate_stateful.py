"""The gate under any sequence of looks: what the design says of it, computed from the readings alone."""

import json
import math
from dataclasses import fields
from datetime import timedelta
from types import SimpleNamespace

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils._record import Record
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.gate import Gate
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.look import VERDICTS, Look, Timing
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._gate.tracker import trackers_of
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging import evidence
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.baseline import required_ratio
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.judgement import Judgement
from ansible_collections.mailops.smtpeter.plugins.plugin_utils._judging.policy import Policy
from ansible_collections.mailops.smtpeter.tests.unit.plugins.gating import SERVICE, START
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

pytestmark = pytest.mark.slow

COUNTERS = ("messages", "deliveries", "opens", "clicks")
RESULT_KEYS = {
    "verdict", "msg", "reasons", "tags", "stats", "looks", "waited", "errors", "last_errors", "history",
    "history_dropped", "policy",
}  # fmt: skip


class Story:
    """All readings of a tag in one gate; what counts of them is worked out from the whole list after each."""

    def __init__(self, policy, tag, before):
        self.policy, self.tag = policy, tag
        self.floor = counts_of(before) if before else (0, 0, 0, 0)
        self.carried_over = 0
        if before and before.under_way is not None:
            self.carried_over = before.under_way
        elif before and (before.idle_seconds() or 0) <= policy.grace_period:
            self.carried_over = max(0, before.messages - before.deliveries)
        self.readings, self.ahead = [], False
        self._sort()

    def add(self, record, look):
        """Take what the service said of the tag in a look, unless it is a copy of the reading before."""
        said = SimpleNamespace(counts=counts_of(record), idle=record.idle_seconds(), date=record.fetched_at,
                               began=look.began, ended=look.ended)  # fmt: skip
        if self.readings and said.counts == self.readings[-1].counts and said.date <= self.readings[-1].date:
            return
        self.readings.append(said)
        self._sort()
        messages, deliveries = self.grown(said.counts)[:2]
        self.ahead |= said.counts[1] > said.counts[0]
        if not self.fall:
            self.ahead |= deliveries - self.carried_over > messages
            self.last_facts = self._good_facts(said)

    def _sort(self):
        """Tell the good readings since the last correction from those of a fall that goes on, and of its dip so far."""
        self.good, self.fall, self.dip, self.corrected_at, self.since_is_above = [], [], [], 0, False
        for index, said in enumerate(self.readings):
            highest = [max(heard.counts[at] for heard in self.good) for at in (0, 1)] if self.good else self.floor
            if not _below(said.counts, highest):
                self.good, self.fall, self.dip = [*self.good, said], [], []
            elif not self.good:
                self.good, self.since_is_above = [said], True
            else:
                further = not self.fall or _below(said.counts, self.fall[0].counts)
                self.fall = [said] if further else [*self.fall, said]
                self.dip.append(said)
                if len(self.fall) > 1 and said.began - self.fall[0].ended >= self.policy.sending_gap:
                    self.good, self.fall, self.dip, self.corrected_at = [said], [], [], index
                    self.since_is_above |= _below(said.counts, self.floor)

    def _stood(self, figures, seconds):
        """Whether the first figures stood still up to the last reading, from the last time that two differed."""
        since = self.corrected_at
        for place in range(since + 1, len(self.readings)):
            if self.readings[place].counts[:figures] != self.readings[place - 1].counts[:figures]:
                since = place
        stood = self.readings[-1].began - self.readings[since].ended
        return since < len(self.readings) - 1 and stood >= seconds

    def grown(self, counts):
        """The counters less the earlier ones that do not count."""
        return [max(0, now - then) for now, then in zip(counts, self.floor)]

    def _engaged(self, counts, deliveries):
        """Whether opens and clicks are as many as asked for, and not below an earlier reading."""
        for place, least in ((2, self.policy.min_open_ratio), (3, self.policy.min_click_ratio)):
            highest = max(heard.counts[place] for heard in self.good)
            if not self.corrected_at:
                highest = max(highest, self.floor[place])
            share = self.grown(counts)[place] / deliveries if deliveries else 0
            if least is not None and (counts[place] < highest or share < least):
                return False
        return True

    def _good_facts(self, said):
        moved = any(heard.counts[:2] != self.readings[0].counts[:2] for heard in self.readings)
        grace = self.policy.grace_period
        settled = self._stood(2, grace) or (not moved and said.idle is not None and said.idle > grace)
        counted = [heard.counts[0] for heard in self.good if said.began - heard.ended >= grace]
        due = said.counts[0] if settled else max(counted, default=0)
        stopped = settled or self._stood(1, self.policy.sending_gap)
        under_way = 0 if settled else max(0, min(said.counts[0] - due, said.counts[0] - said.counts[1]))
        return self._facts(said.counts, max(0, due - self.floor[0]), stopped, settled, under_way)

    def worst_facts(self):
        """The most messages and the least deliveries from the highest reading on, and nothing that fails."""
        heard = [said.counts for said in (self.good[-1], *self.dip)]
        counts = (max(said[0] for said in heard), min(said[1] for said in heard), *heard[0][2:])
        return self._facts(counts, 0, False, False, 0)

    def _facts(self, counts, due, stopped, settled, under_way):
        """What follows for the tag from its readings, in the design's words."""
        messages, deliveries, _opens, _clicks = self.grown(counts)
        expected, certain = self.policy.expected(self.tag), deliveries - self.carried_over
        complete = expected is None or messages >= expected
        return SimpleNamespace(
            messages=messages, at_least=max(0, min(certain, messages)), at_most=min(deliveries, messages), due=due,
            sending_stopped=stopped if expected is None else complete, settled=settled, complete=complete,
            under_way=under_way, contradictory=certain > messages, ahead=self.ahead,
            engaged=self._engaged(counts, deliveries),
        )  # fmt: skip


def counts_of(record):
    """The four counters of a record."""
    return tuple(getattr(record, name) for name in COUNTERS)


def _below(counts, others):
    return any(count < other for count, other in zip(counts[:2], others[:2]))


CHOICES = {
    "min_delivery_ratio": [0, 0.5, 0.9, 0.95, 1], "min_messages": [1, 10, 100], "confidence": [0, 0.5, 0.95],
    "sending_gap": [0, 20, 60], "grace_period": [0, 30, 90], "at_deadline": ["ratio", "inconclusive"],
    "expected_messages": [None, None, 100, 500], "min_open_ratio": [None, None, 0.1],
    "min_click_ratio": [None, None, 0.05], "baseline_tag": [None, None, None, "a", "c"], "max_delivery_drop": [0, 0.02],
}  # fmt: skip
POLICIES = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in CHOICES.items()})
TIMINGS = st.builds(Timing, wait_timeout=st.sampled_from([0, 200, 1000]), history_limit=st.sampled_from([2, 3, 60]),
                    max_consecutive_errors=st.sampled_from([0, 1, 4]))  # fmt: skip
SINCE = st.builds(
    Record, st.just("a"), st.just(100), st.sampled_from([50, 90, 100, 110]), st.just(20), st.just(5),
    last_at=st.just(START - timedelta(seconds=91)), under_way=st.sampled_from([None, 0, 5]),
    fetched_at=st.sampled_from([None, START - timedelta(seconds=61), START]),
)  # fmt: skip
SECONDS = st.sampled_from([0, 1, 19, 20, 29, 30, 31, 60, 89, 90, 91])
TAG = st.sampled_from(["a", "a", "a", "a", "b", "c"])


class GateMachine(RuleBasedStateMachine):
    """Sends mail, delivers it, lets time pass and looks; a gate that has ended is followed by another."""

    @initialize(tags=st.sampled_from(["a", "a", "ab"]), policy=POLICIES, timing=TIMINGS, since=st.none() | SINCE)
    def begin(self, tags, policy, timing, since):
        """Begin with a gate on tags without mail, or with earlier mail that does not count."""
        self.tags = list(tags)
        # What the service counts of each tag, and how long ago its last activity says it was.
        self.counts = {tag: [0, 0, 0, 0] for tag in "abc"}
        self.idle, self.wall = dict.fromkeys("abc"), START
        if since is not None:
            self.counts["a"] = [*counts_of(since)]
        self._open(policy, timing, {"a": since} if since else {})

    def _open(self, policy, timing, before):
        self.policy, self.timing, self.before = Policy.from_options(policy), timing, before
        self.gate, self.restarted = self._gate(), self._gate()
        self.stories = {tag: Story(self.policy, tag, before.get(tag)) for tag in self.tags}
        self.now = 0.0
        self.event = self.last = self.baseline = None
        self.looks = self.failed_looks = self.failed_in_a_row = 0

    def _gate(self):
        return Gate(trackers_of(self.tags, self.policy, self.before), self.policy, self.timing)

    @property
    def waits(self):
        """Whether the gate has not ended."""
        return self.event is None or self.event.verdict is None

    @property
    def wants_baseline(self):
        """Whether it was not read, or has more deliveries than messages."""
        return self.baseline is None or self.baseline.deliveries > self.baseline.messages

    @property
    def wanted(self):
        """The tags that the next look reads: the baseline among them while it is wanted."""
        missing = self.policy.baseline_tag if self.wants_baseline else None
        return [*self.tags, *({missing} - {None, *self.tags})]

    @rule(tag=TAG, messages=st.sampled_from([1, 9, 90, 100, 400]), share=st.sampled_from([0, 0.5, 0.9, 0.96, 1]))
    def send(self, tag, messages, share):
        """Send mail, some of which is delivered at once."""
        counts = self.counts[tag]
        counts[0] += messages
        counts[1] += int(messages * share)
        counts[2] += messages // 5

    @rule(tag=TAG, share=st.sampled_from([0.1, 0.9, 1]))
    def deliver(self, tag, share):
        """Deliver some of what is under way."""
        counts = self.counts[tag]
        counts[1] += math.ceil(max(0, counts[0] - counts[1]) * share)
        counts[3] += counts[1] // 10

    @rule(tag=TAG, change=st.sampled_from([(1, 1), *((place, -by) for place in range(4) for by in (1, 50))]))
    def miscount(self, tag, change):
        """Count a delivery twice, or have a counter go backward, for good or until more comes."""
        place, by = change
        self.counts[tag][place] = max(0, self.counts[tag][place] + by)

    @rule(tag=TAG, idle=st.sampled_from([None, -100, 0, 30, 31, 91, 10**6]))
    def date(self, tag, idle):
        """Have the last activity be new, old, in the future, or not known."""
        self.idle[tag] = idle

    @rule(seconds=st.sampled_from([-(10**5), -1, 1, 10**5]))
    def set_the_clock(self, seconds):
        """Set the wall clock, which is nothing to the gate but a sign of copies."""
        self.wall += timedelta(seconds=seconds)

    def _pass(self, seconds):
        self.now += seconds
        self.wall += timedelta(seconds=seconds)

    @precondition(lambda self: self.waits)
    @rule(after=SECONDS, takes=st.sampled_from([0, 0, 1, 30]), lagging=st.sampled_from([None, None, "a", "b", "c"]))
    def look(self, after, takes=0, lagging=None, errors=()):
        """Look with success, perhaps at counters of some time ago, while time passes before it and during it."""
        self._pass(after)
        began = self.now
        self._pass(takes)
        records = {}
        for tag in set(self.wanted) - set(errors):
            counts, idle = list(self.counts[tag]), self.idle[tag]
            if tag == lagging:
                counts[1] //= 2
            last_at = None if idle is None else self.wall - timedelta(seconds=idle)
            known = any(counts) or last_at is not None
            records[tag] = Record(tag, *counts, last_at=last_at, fetched_at=self.wall, known=known)
        self._look(Look(began, self.now, self.wall, records, dict(errors)))

    @precondition(lambda self: self.waits)
    @rule(after=SECONDS, messages=st.sampled_from([0, 0, 0, 1, 100, 400]), share=st.sampled_from([0, 0.5, 0.9, 0.96]))
    def look_at_news(self, after, messages, share):
        """Look at mail sent since the look before, or at what was delivered since, if anything."""
        self.send("a", messages, share)
        self.deliver("a", 0 if messages else share)
        self.look(after)

    @precondition(lambda self: self.waits and self.last and self.last.records)
    @rule(after=SECONDS)
    def look_at_copies(self, after):
        """Look at what a cache kept of the look before."""
        self._pass(after)
        errors = {tag: SERVICE for tag in self.wanted if tag not in self.last.records}
        self._look(Look(self.now, self.now, self.wall, self.last.records, errors))

    @precondition(lambda self: self.waits)
    @rule(after=SECONDS, tag=TAG, kind=st.sampled_from(["service", "timeout", "answer", "lost", "refused"]))
    def look_in_vain(self, after, tag, kind):
        """Look, and read nothing of a tag."""
        error = {"kind": kind, "status": None, "msg": f"tag '{tag}': {kind}"}
        self.look(after, errors={tag: error} if tag in self.wanted else {})

    @precondition(lambda self: not self.waits)
    @rule(policy=POLICIES, timing=TIMINGS, chained=st.booleans(), own_count=st.booleans())
    def next_gate(self, policy, timing, chained, own_count):
        """Gate the next wave, from what this gate or a plain reading returned."""
        stats = self.gate.result()["stats"] if chained else {}
        before = {tag: Record.from_dict({**record, "under_way": record["under_way"] if own_count else None})
                  for tag, record in stats.items() if tag in self.tags}  # fmt: skip
        self._open(policy, timing, before)

    def _look(self, look):
        """Take a look, and check all that the gate tells after it."""
        assert self.gate.wanted == self.wanted
        passed = (
            [tag for tag, seen in self.event.tags.items() if seen.judgement.verdict == "pass"] if self.event else []
        )
        has_failed = bool(set(look.errors) - set(passed))
        for tag in set(look.records) & set(self.tags):
            self.stories[tag].add(look.records[tag], look)
        if self.policy.baseline_tag and self.wants_baseline:
            self.baseline = look.records.get(self.policy.baseline_tag, self.baseline)
        self.looks += 1
        self.failed_looks += has_failed
        self.failed_in_a_row = self.failed_in_a_row + 1 if has_failed else 0
        self.last, self.event, self.time_is_up = look, self.gate.look(look), look.ended >= self.timing.wait_timeout
        assert bool(self.event.error) == has_failed
        self._check_judgements()
        self._check_verdict()
        self._check_result(self.gate.result())
        self._look_after_a_restart(look)

    def _decision(self, facts, required, undecided):
        """The verdict that the design has, and what decides it."""
        policy = self.policy
        if facts.messages < policy.min_messages or facts.contradictory:
            return undecided
        enough = facts.at_least / facts.messages >= required
        at_last = enough and facts.complete and self.time_is_up and policy.at_deadline == "ratio"
        if facts.sending_stopped:
            fails = facts.settled and facts.at_most / facts.messages < required
            return ("pass", "ratio") if enough else ("fail", "ratio") if fails else undecided
        if policy.confidence:
            passes = evidence.log_evidence_for(facts.at_least, facts.messages, required) >= policy.log_threshold()
            if not facts.ahead and (passes or not required):
                return "pass", "evidence"
            against = evidence.log_evidence_against(min(facts.at_most, facts.due), facts.due, required)
            if facts.due >= policy.min_messages and against >= policy.log_threshold(len(self.tags)):
                return "fail", "evidence"
        elif enough and not facts.ahead and not self.time_is_up:
            # A bare ratio is no evidence that comes before what the deadline decides.
            return "pass", "ratio"
        return ("pass", "ratio") if at_last else undecided

    def _check_judgements(self):
        """Figures, verdict and what decides it follow from the readings; opens and clicks only hold a pass."""
        undecided = ("inconclusive" if self.time_is_up else None, None)
        assert not (self.event.tags and self.policy.baseline_tag and self.baseline is None)
        for tag, seen in self.event.tags.items():
            story, judgement = self.stories[tag], seen.judgement
            # What cannot be judged is told as it came.
            told = story.readings[-1].counts
            told = told if story.fall or story.since_is_above else story.grown(told)
            assert [seen.messages, seen.deliveries] == [*told[:2]]
            found = (judgement.verdict, judgement.decided_by)
            is_last_fall = story.fall and self.time_is_up
            if story.since_is_above and not is_last_fall:
                assert found == ("inconclusive", None)
            elif story.fall and not is_last_fall:
                # A reading below the highest one makes neither a pass nor a fail.
                assert found == (None, None)
            elif self.baseline and self.baseline.messages < self.policy.min_messages:
                assert found == ("inconclusive", None)
            elif self.baseline and self.wants_baseline:
                assert found == undecided
            elif not story.since_is_above:
                # When time is up, the worst of a fall counts.
                facts = story.worst_facts() if story.fall else story.last_facts
                required = required_ratio(self.policy, self.baseline)
                figures = (judgement.messages, judgement.delivered_at_least, judgement.delivered_at_most)
                assert figures == (facts.messages, facts.at_least, facts.at_most)
                assert (judgement.messages_due, judgement.required_delivery_ratio) == (facts.due, required)
                expected = self._decision(facts, required, undecided)
                assert found == (expected if facts.engaged or expected[0] != "pass" else undecided)

    def _check_verdict(self):
        """It passes when all pass, fails as soon as one fails, and when time is up the worst wins."""
        found = [self.event.tags[tag].judgement.verdict if tag in self.event.tags else None for tag in self.tags]
        kinds = [error["kind"] for error in self.last.errors.values()]
        if "fail" in found:
            expected = "fail"
        elif "refused" in kinds or self.failed_in_a_row > self.timing.max_consecutive_errors:
            expected = "error"
        elif found == ["pass"] * len(found):
            expected = "pass"
        elif not self.time_is_up and "inconclusive" not in found:
            expected = None
        else:
            # Either time is up, or nothing can be decided any more; a tag without a reading at that time is an error.
            judged = self.baseline is not None or self.policy.baseline_tag is None
            expected = "inconclusive" if judged and all(story.readings for story in self.stories.values()) else "error"
        assert self.event.verdict == expected

    def _check_result(self, result):
        """Whatever happened, the result has all its keys, in plain JSON types; its stats can be the next since."""
        assert json.loads(json.dumps(result, allow_nan=False)) == result
        assert set(result) == RESULT_KEYS
        assert list(result["tags"]) == self.tags
        for judged in result["tags"].values():
            assert set(judged) == {"record", *(item.name for item in fields(Judgement))}
            assert judged["reasons"]
        assert (result["looks"], result["errors"]) == (self.looks, self.failed_looks)
        assert len(result["history"]) + result["history_dropped"] == self.looks
        assert len(result["history"]) <= max(2, self.timing.history_limit)
        if not self.waits:
            assert result["verdict"] == self.event.verdict
            assert result["msg"].startswith(f"{self.event.verdict}: ")
            assert {judged["verdict"] for judged in result["tags"].values()} <= set(VERDICTS)
        read = {tag: story for tag, story in self.stories.items() if story.readings}
        counts = {tag: story.good[-1].counts for tag, story in read.items()}
        if self.baseline:
            counts = {self.baseline.tag: counts_of(self.baseline), **counts}
        assert {tag: tuple(record[name] for name in COUNTERS) for tag, record in result["stats"].items()} == counts
        for tag, story in read.items():
            assert result["stats"][tag]["under_way"] == story.last_facts.under_way

    def _look_after_a_restart(self, look):
        """A gate that is killed after every look tells the same, to the last figure."""
        assert self.restarted.look(look) == self.event
        assert self.restarted.result() == self.gate.result()
        kept, self.restarted = json.loads(json.dumps(self.restarted.state())), self._gate()
        self.restarted.restore(kept)
        if self.waits:
            assert json.dumps(self.restarted.state()) == json.dumps(self.gate.state())


TestGate = GateMachine.TestCase
TestGate.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
