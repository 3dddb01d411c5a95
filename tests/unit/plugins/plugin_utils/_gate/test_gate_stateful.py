"""The gate under any sequence of looks: what the design says of it, computed from the readings alone."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields, replace
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
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

pytestmark = pytest.mark.slow

RESULT_KEYS = {
    "verdict", "msg", "reasons", "tags", "stats", "looks", "waited", "errors", "last_errors", "history",
    "history_dropped", "policy",
}  # fmt: skip
TAGS = ("a", "b", "c")


@dataclass(frozen=True)
class Course:
    """The readings of a tag that count: since the last correction, and those of a fall that goes on."""

    good: tuple = ()
    fall: tuple = ()
    dip: tuple = ()
    corrected_at: int = 0
    since_is_above: bool = False


@dataclass
class Story:
    """All readings of a tag in one gate, and the course after each; every fact is derived from the whole list."""

    policy: Policy
    tag: str
    before: Record | None
    readings: list = field(default_factory=list)
    courses: list = field(default_factory=list)
    last_facts: SimpleNamespace | None = None

    def add(self, said):
        """Take a reading, unless it is a copy of the one before."""
        if self.readings and said.counts == self.readings[-1].counts and said.date <= self.readings[-1].date:
            return
        self.readings.append(said)
        self.courses.append(self._course())
        if not self.is_falling:
            self.last_facts = self._good_facts(said)

    @property
    def course(self):
        """What counts of the readings so far."""
        return self.courses[-1] if self.courses else Course()

    @property
    def is_falling(self):
        """Whether the last reading is below the highest one, and no correction yet."""
        return bool(self.course.fall)

    def facts(self, time_is_up):
        """What follows from the last good reading, or from the worst of a fall when time is up."""
        return self._worst_facts() if time_is_up and self.is_falling else self.last_facts

    def _course(self):
        course = Course()
        for index, said in enumerate(self.readings):
            highest = [max(heard.counts[at] for heard in course.good) for at in (0, 1)] if course.good else self._floor
            if not _below(said.counts, highest):
                course = replace(course, good=(*course.good, said), fall=(), dip=())
                continue
            if not course.good:
                course = Course(good=(said,), since_is_above=True)
                continue
            further = not course.fall or _below(said.counts, course.fall[0].counts)
            fall = (said,) if further else (*course.fall, said)
            course = replace(course, fall=fall, dip=(*course.dip, said))
            if len(fall) > 1 and said.began - fall[0].ended >= self.policy.sending_gap:
                above = course.since_is_above or _below(said.counts, self._floor)
                course = Course(good=(said,), corrected_at=index, since_is_above=above)
        return course

    @property
    def _floor(self):
        before = self.before
        return (before.messages, before.deliveries, before.opens, before.clicks) if before else (0, 0, 0, 0)

    def _stood(self, places, seconds):
        """Whether figures stood still up to the last reading, from the last time that two readings differed."""
        since = self.course.corrected_at
        for place in range(since + 1, len(self.readings)):
            earlier, later = (self.readings[at].counts for at in (place - 1, place))
            if any(earlier[at] != later[at] for at in places):
                since = place
        stood = self.readings[-1].began - self.readings[since].ended
        return since < len(self.readings) - 1 and stood >= seconds

    def _grown(self, counts):
        return [max(0, now - then) for now, then in zip(counts, self._floor)]

    def _engaged(self, counts, deliveries):
        """Whether opens and clicks are as many as asked for, and not below an earlier reading."""
        for place, least in ((2, self.policy.min_open_ratio), (3, self.policy.min_click_ratio)):
            highest = [heard.counts[place] for heard in self.course.good]
            if not self.course.corrected_at:
                highest.append(self._floor[place])
            count = self._grown(counts)[place]
            share = count / deliveries if deliveries else 0
            if least is not None and (counts[place] < max(highest) or share < least):
                return False
        return True

    def _good_facts(self, said):
        policy = self.policy
        moved = any(heard.counts[:2] != self.readings[0].counts[:2] for heard in self.readings)
        quiet = not moved and said.idle is not None and said.idle > policy.grace_period
        settled = quiet or self._stood((0, 1), policy.grace_period)
        counted = [heard.counts[0] for heard in self.course.good if said.began - heard.ended >= policy.grace_period]
        due = said.counts[0] if settled else max(counted, default=0)
        stopped = settled or self._stood((0,), policy.sending_gap)
        under_way = 0 if settled else max(0, min(said.counts[0] - due, said.counts[0] - said.counts[1]))
        return self._facts(said.counts, max(0, due - self._floor[0]), stopped, settled, under_way)

    def _worst_facts(self):
        """The most messages and the least deliveries from the highest reading on, and nothing that fails."""
        heard = [said.counts for said in (self.course.good[-1], *self.course.dip)]
        counts = (max(said[0] for said in heard), min(said[1] for said in heard), *heard[0][2:])
        return self._facts(counts, 0, False, False, 0)

    def _facts(self, counts, due, stopped, settled, under_way):
        """What follows for the tag from its readings, in the design's words."""
        messages, deliveries, _opens, _clicks = self._grown(counts)
        expected, carried_over = self.policy.expected(self.tag), self._carried_over()
        complete = expected is None or messages >= expected
        grown = [self._grown(said.counts) for said, course in zip(self.readings, self.courses) if not course.fall]
        return SimpleNamespace(
            messages=messages, at_least=max(0, min(deliveries - carried_over, messages)), due=due, settled=settled,
            at_most=min(deliveries, messages), contradictory=deliveries - carried_over > messages,
            sending_stopped=stopped if expected is None else complete, complete=complete, under_way=under_way,
            ahead=any(said.counts[1] > said.counts[0] for said in self.readings)
            or any(then[1] - carried_over > then[0] for then in grown), engaged=self._engaged(counts, deliveries),
        )  # fmt: skip

    def _carried_over(self):
        before = self.before
        if before is None:
            return 0
        if before.under_way is not None:
            return before.under_way
        idle = before.idle_seconds()
        is_over = idle is not None and idle > self.policy.grace_period
        return 0 if is_over else max(0, before.messages - before.deliveries)


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
        self.counts = {tag: [0, 0, 0, 0] for tag in TAGS}
        self.idle = dict.fromkeys(TAGS)
        self.wall = START
        if since is not None:
            self.counts["a"] = [since.messages, since.deliveries, since.opens, since.clicks]
        self._open(policy, timing, {"a": since} if since else {})

    def _open(self, policy, timing, before):
        self.policy = Policy.from_options(policy)
        self.timing = timing
        self.before = before
        self.gate = self._gate(timing)
        self.restarted = self._gate(timing)
        patient = Timing(timing.wait_timeout, max_consecutive_errors=10**6)
        self.twin = self._gate(patient)
        self.stories = {tag: Story(self.policy, tag, before.get(tag)) for tag in self.tags}
        self.now = 0.0
        self.event = self.twin_event = self.restarted_event = self.last = self.baseline = None
        self.looks = self.failed_looks = self.failed_in_a_row = 0

    def _gate(self, timing):
        return Gate(trackers_of(self.tags, self.policy, self.before), self.policy, timing)

    @property
    def waits(self):
        """Whether the gate has not ended."""
        return self.event is None or self.event.verdict is None

    @property
    def time_is_up(self):
        """Whether the last look was the last."""
        return self.last is not None and self.last.ended >= self.timing.wait_timeout

    @property
    def wanted(self):
        """The tags that the next look reads: the baseline among them until it was read."""
        missing = self.policy.baseline_tag if self.baseline is None or self.baseline_is_contradictory else None
        return [*self.tags, *({missing} - {None, *self.tags})]

    @property
    def required(self):
        """The share that must be delivered."""
        return required_ratio(self.policy, self.baseline)

    @property
    def baseline_is_weak(self):
        """Whether there is too little to judge against."""
        return self.baseline is not None and self.baseline.messages < self.policy.min_messages

    @property
    def baseline_is_contradictory(self):
        """Whether it has more deliveries than messages."""
        return self.baseline is not None and self.baseline.deliveries > self.baseline.messages

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
        counts = self.counts[tag]
        counts[place] = max(0, counts[place] + by)

    @rule(tag=TAG, idle=st.sampled_from([None, -100, 0, 30, 31, 91, 10**6]))
    def date(self, tag, idle):
        """Have the last activity be new, old, in the future, or not known."""
        self.idle[tag] = idle
        # With the same counters and Date, it would be a copy of what the twin saw in between.
        self.wall += timedelta(seconds=2)

    @rule(seconds=st.sampled_from([-(10**5), -1, 1, 10**5]))
    def set_the_clock(self, seconds):
        """Set the wall clock, which is nothing to the gate but a sign of copies."""
        self.wall += timedelta(seconds=seconds)
        if seconds < 0:
            # What the twin looked at in between is later than what comes now.
            self.twin = None

    def _pass(self, seconds):
        self.now += seconds
        self.wall += timedelta(seconds=seconds)

    def _reading(self, after, takes=0, lagging=None, errors=()):
        """Let time pass before and during a look, and return what it brings."""
        self._pass(after)
        began, self.now = self.now, self.now + takes
        records = {}
        for tag in self.wanted:
            if tag in errors:
                continue
            counts, idle = list(self.counts[tag]), self.idle[tag]
            if tag == lagging:
                counts[1] //= 2
            last_at = None if idle is None else self.wall - timedelta(seconds=idle)
            known = any(counts) or last_at is not None
            records[tag] = Record(tag, *counts, last_at=last_at, fetched_at=self.wall, known=known)
        return Look(began, self.now, self.wall, records, dict(errors))

    def _look(self, reading):
        verdicts = _verdicts(self.event) if self.event else {}
        for tag in set(reading.records) & set(self.tags):
            record = reading.records[tag]
            counts = (record.messages, record.deliveries, record.opens, record.clicks)
            # What the service said of a tag in one look, and when it said that was true.
            times = {"began": reading.began, "ended": reading.ended, "date": record.fetched_at}
            self.stories[tag].add(SimpleNamespace(counts=counts, idle=record.idle_seconds(), **times))
        has_failed = any(verdicts.get(tag) != "pass" for tag in reading.errors)
        if self.policy.baseline_tag and (self.baseline is None or self.baseline_is_contradictory):
            self.baseline = reading.records.get(self.policy.baseline_tag, self.baseline)
        self.looks += 1
        self.failed_looks += has_failed
        self.failed_in_a_row = self.failed_in_a_row + 1 if has_failed else 0
        self.last = reading
        self.event = self.gate.look(reading)
        # Killed after each look, and started again from what it kept.
        self.restarted_event = self.restarted.look(reading)
        self.restarted_result = self.restarted.result()
        kept, self.restarted = json.loads(json.dumps(self.restarted.state())), self._gate(self.timing)
        self.restarted.restore(kept)
        self.twin_event = self.twin.look(reading) if self.twin else None

    @precondition(lambda self: self.waits)
    @rule(after=SECONDS, takes=st.sampled_from([0, 0, 1, 30]), lagging=st.sampled_from([None, None, "a", "b", "c"]))
    def look(self, after, takes, lagging):
        """Look, with success, perhaps at counters of some time ago."""
        self._look(self._reading(after, takes, lagging))

    @precondition(lambda self: self.waits)
    @rule(after=SECONDS, messages=st.sampled_from([0, 0, 0, 1, 100, 400]), share=st.sampled_from([0, 0.5, 0.9, 0.96]))
    def look_at_news(self, after, messages, share):
        """Look at mail sent since the look before, or at what was delivered since, if anything."""
        if messages:
            self.send("a", messages, share)
        else:
            self.deliver("a", share)
        self.look(after, 0, None)

    @precondition(lambda self: self.waits and self.last and self.last.records)
    @rule(after=SECONDS)
    def look_at_copies(self, after):
        """Look at what a cache kept of the look before."""
        self._pass(after)
        records = {tag: record for tag, record in self.last.records.items() if tag in self.wanted}
        errors = {tag: SERVICE for tag in self.wanted if tag not in records}
        self._look(Look(self.now, self.now, self.wall, records, errors))

    @precondition(lambda self: self.waits)
    @rule(after=SECONDS, tag=TAG, kind=st.sampled_from(["service", "timeout", "answer", "lost", "refused"]))
    def look_in_vain(self, after, tag, kind):
        """Look, and read nothing of a tag."""
        errors = {tag: {"kind": kind, "status": None, "msg": f"tag '{tag}': {kind}"}} if tag in self.wanted else {}
        self._look(self._reading(after, errors=errors))

    @precondition(lambda self: self.waits and self.twin and self.last and not self.last.errors)
    # One look more brings a correction nearer.
    @precondition(lambda self: not any(story.is_falling for story in self.stories.values()))
    @rule(after=SECONDS, fails=st.booleans())
    def look_more_often(self, after, fails):
        """Have only the twin look again, while nothing changed or in vain."""
        self._pass(after)
        elapsed = timedelta(seconds=self.now - self.last.began)
        records = {
            tag: replace(record, fetched_at=record.fetched_at + elapsed)
            for tag, record in self.last.records.items()
            if tag in self.wanted
        }
        errors = dict.fromkeys(records, SERVICE) if fails else {}
        event = self.twin.look(Look(self.now, self.now, self.wall, {} if fails else records, errors))
        # Where time itself decides something at this look, the two go ways of their own.
        if event.verdict is not None or _verdicts(event) != _verdicts(self.event):
            self.twin = self.twin_event = None

    @precondition(lambda self: not self.waits)
    @rule(policy=POLICIES, timing=TIMINGS, chained=st.booleans(), own_count=st.booleans())
    def next_gate(self, policy, timing, chained, own_count):
        """Gate the next wave, from what this gate or a plain reading returned."""
        stats = self.gate.result()["stats"] if chained else {}
        before = {tag: Record.from_dict({**record, "under_way": record["under_way"] if own_count else None})
                  for tag, record in stats.items() if tag in self.tags}  # fmt: skip
        self._open(policy, timing, before)

    def _decision(self, facts, undecided):
        """The verdict that the design has, and what decides it."""
        policy, required = self.policy, self.required
        if facts.messages < policy.min_messages or facts.contradictory:
            return undecided
        enough = facts.at_least / facts.messages >= required
        at_last = enough and facts.complete and self.time_is_up and policy.at_deadline == "ratio"
        if facts.sending_stopped:
            fails = facts.settled and facts.at_most / facts.messages < required
            return ("pass", "ratio") if enough else ("fail", "ratio") if fails else undecided
        if not policy.confidence:
            # A bare ratio is no evidence that comes before what the deadline decides.
            at_last = at_last or (enough and not facts.ahead and not self.time_is_up)
        elif not facts.ahead and (
            not required
            or evidence.log_evidence_for(facts.at_least, facts.messages, required) >= policy.log_threshold()
        ):
            return "pass", "evidence"
        elif facts.due >= policy.min_messages:
            against = evidence.log_evidence_against(min(facts.at_most, facts.due), facts.due, required)
            if against >= policy.log_threshold(len(self.tags)):
                return "fail", "evidence"
        return ("pass", "ratio") if at_last else undecided

    @invariant()
    def judgements_are_those_of_the_design(self):
        """Figures, verdict and what decides it follow from the readings; opens and clicks only hold a pass."""
        assert self.gate.wanted == self.wanted
        undecided = ("inconclusive" if self.time_is_up else None, None)
        tags = self.event.tags if self.event else {}
        assert not (tags and self.policy.baseline_tag and self.baseline is None)
        for tag, seen in tags.items():
            story, judgement = self.stories[tag], seen.judgement
            is_above, is_last_fall = story.course.since_is_above, story.is_falling and self.time_is_up
            found = (judgement.verdict, judgement.decided_by)
            if is_above and not is_last_fall:
                assert found == ("inconclusive", None)
            elif story.is_falling and not self.time_is_up:
                # A reading below the highest one makes neither a pass nor a fail.
                assert found == (None, None)
            elif self.baseline_is_weak:
                assert found == ("inconclusive", None)
            elif self.baseline_is_contradictory:
                assert found == undecided
            elif not is_above:
                self._check(judgement, story.facts(self.time_is_up), undecided)

    def _check(self, judgement, facts, undecided):
        figures = (judgement.messages, judgement.delivered_at_least, judgement.delivered_at_most)
        assert figures == (facts.messages, facts.at_least, facts.at_most)
        assert (judgement.messages_due, judgement.required_delivery_ratio) == (facts.due, self.required)
        verdict, decided_by = self._decision(facts, undecided)
        expected = (verdict, decided_by) if facts.engaged or verdict != "pass" else undecided
        assert (judgement.verdict, judgement.decided_by) == expected

    @invariant()
    def the_gate_has_the_verdict_of_its_tags(self):
        """It passes when all pass, fails as soon as one fails, and when time is up the worst wins."""
        if self.event is None:
            return
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

    @invariant()
    def looking_more_often_changes_nothing(self):
        """Looks between that saw nothing new, or failed, change no verdict, reason or figure of later looks."""
        if self.twin_event is None or self.event.verdict == "error":
            return
        assert self.twin_event.verdict == self.event.verdict
        assert self.twin_event.tags.keys() == self.event.tags.keys()
        for tag, seen in self.event.tags.items():
            also = self.twin_event.tags[tag]
            if tag not in self.last.errors and not self.stories[tag].is_falling:
                assert also == seen
            # Otherwise the figures in force are those of the last good look, which the twin may have had later.
            assert also.judgement.verdict == seen.judgement.verdict

    @invariant()
    def a_restart_changes_nothing(self):
        """A gate that is killed after every look tells the same, to the last figure."""
        assert self.restarted_event == self.event
        if self.event is not None:
            assert self.restarted_result == self.gate.result()
            if self.waits:
                assert json.dumps(self.restarted.state()) == json.dumps(self.gate.state())

    @invariant()
    def the_result_is_complete(self):
        """Whatever happened, the result has all its keys, in plain JSON types."""
        if self.event is None:
            return
        result = self.gate.result()
        assert json.loads(json.dumps(result, allow_nan=False)) == result
        assert set(result) == RESULT_KEYS
        assert list(result["tags"]) == self.tags
        for judged in result["tags"].values():
            assert set(judged) == {"record", *(item.name for item in fields(Judgement))}
            assert judged["record"] is None or set(judged["record"]) == set(Record("a", 0, 0).as_dict())
            assert judged["reasons"]
        assert (result["looks"], result["errors"]) == (self.looks, self.failed_looks)
        assert len(result["history"]) + result["history_dropped"] == self.looks
        assert len(result["history"]) <= max(2, self.timing.history_limit)
        if self.event.verdict is not None:
            assert result["verdict"] == self.event.verdict
            assert result["msg"].startswith(f"{self.event.verdict}: ")
            assert {judged["verdict"] for judged in result["tags"].values()} <= set(VERDICTS)

    @invariant()
    def stats_hold_the_last_good_reading(self):
        """What the next gate takes as since is cumulative, and says what may be under way."""
        if self.event is None:
            return
        stats = self.gate.result()["stats"]
        read = {tag for tag, story in self.stories.items() if story.readings}
        baseline = {self.policy.baseline_tag} - set(self.tags) if self.baseline else set()
        assert set(stats) == read | baseline
        for tag in read:
            record = stats[tag]
            counts = tuple(record[name] for name in ("messages", "deliveries", "opens", "clicks"))
            assert counts == self.stories[tag].course.good[-1].counts
            assert record["under_way"] == self.stories[tag].last_facts.under_way


def _verdicts(event):
    return {tag: seen.judgement.verdict for tag, seen in event.tags.items()}


TestGate = GateMachine.TestCase
TestGate.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
