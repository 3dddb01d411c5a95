# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What benchmarks run: the order, the differences, and that a run that did something else counts for nothing."""

from __future__ import annotations

import os
import sys
import time

import pytest
from ansible_collections.mailops.smtpeter.tests.benchmark._runs import (
    TELL_PEAK,
    Case,
    Command,
    MeasurementError,
    Run,
    Runs,
    ratio,
    run,
    schedule,
)
from ansible_collections.mailops.smtpeter.tests.benchmark._service import Service

ASK = "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))\n"
ASK += "for _time in range(3): c.request('GET', '/v1/stats/tag'); c.getresponse().read()\n"


@pytest.fixture
def service():
    """A running service."""
    with Service() as running:
        yield running


def port_of(service):
    """The port in the service's address."""
    return service.url().split(":")[2].split("/")[0]


def asking(service, requests, code=ASK):
    """A process that makes three requests and is to make so many."""
    return Command([sys.executable, "-c", code, port_of(service)], requests)


def test_the_order_turns_each_round_and_short_cases_end_early():
    """Round by round; a case with fewer rounds takes part in the first ones."""
    first, second, third = Case("first"), Case("second"), Case("third")
    assert list(schedule({first: 3, second: 1, third: 3})) == [
        (1, [first, second, third]),
        (2, [third, first]),
        (3, [first, third]),
    ]


def test_differences_are_within_a_round():
    """What a case adds is told for the rounds that it shares with its base; a ratio is the median of the rounds'."""
    runs = Runs()
    for case, seconds in ((Case("slow"), (5, 9)), (Case("quick"), (1, 2, 50))):
        for taken in seconds:
            runs.add(case, Run(seconds=taken, cpu=taken / 2, requests=1, service_share=0))
    assert runs.added(Case("slow"), Case("quick")) == [4, 7]
    assert runs.added(Case("slow"), Case("quick"), "cpu") == [2, 3.5]
    assert ratio([4, 7, 12], [2, 1, 4, 99]) == 3


def test_a_run_counts_its_requests_and_tells_its_memory(service):
    """The service's counter says what a process asked; its memory is its own."""
    taken = run(asking(service, 3, TELL_PEAK + ASK), service, os.environ)
    assert taken.requests == 3
    assert taken.peak_kb > 1000
    assert taken.cpu > 0
    assert 0 <= taken.service_share < 1


@pytest.mark.parametrize(
    ("requests", "code", "said"), [(2, ASK, "3 requests, not 2"), (3, ASK + "sys.exit('no luck')", "no luck")]
)
def test_what_did_not_do_as_told_is_no_measurement(service, requests, code, said):
    """Another number of requests, or a failed process, raises, and says what happened."""
    with pytest.raises(MeasurementError, match=said):
        run(asking(service, requests, code), service, os.environ)


def test_the_path_says_how_slow_the_service_is(service):
    """A path that begins with milliseconds is answered after them."""
    start = time.perf_counter()
    code = ASK.replace("/v1", "/30ms/v1")
    run(asking(service, 3, code), service, os.environ)
    assert time.perf_counter() - start >= 3 * 0.030
    assert service.url(30).endswith("/30ms/v1")
