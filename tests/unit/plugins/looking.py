"""A gate that looks very often at a campaign, through a service that fails at random, with what a process may leak."""

import gc
import itertools
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from typing import NamedTuple

import ansible.plugins.loader as plugins
import psutil
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.modules import tag_stats_info
from ansible_collections.mailops.smtpeter.tests.unit.plugins.faults import FAULTS, Services, tag_of
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import Hostile, answer

TOKEN = "a-good-token"
TAG = "wave-1"
STEP = 10
FAILING = 0.3
# What one address can do, and what neither ends a gate at once nor has it wait for years.
PLAIN = [fault for fault in FAULTS if fault.place == "plain" and not fault.alone]
MIXED = [fault for fault in PLAIN if fault.kinds and "refused" not in fault.kinds]


class Sample(NamedTuple):
    """What the process holds at a look."""

    descriptors: int
    threads: int
    resident: int  # bytes


def counted(sent, rate):
    """The answer about a campaign with so many messages, the last one just now, of which a share is delivered."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    counts = {"messages": sent, "deliveries": int(sent * rate), "opens": 0, "clicks": 0}
    return [answer({"first": now, "last": now, **counts})]


def serve(seed, messages, rate):
    """Be the service, in a process of its own, until standard input ends; the first line printed is the api_url.

    Each good answer counts some messages more, up to so many, of which the share `rate` is delivered.
    """
    chance, lock = random.Random(seed), threading.Lock()
    sent = 0

    def reply(target):
        nonlocal sent
        with lock:
            if chance.random() < FAILING:
                return services.reply(target.replace(tag_of(target), chance.choice(MIXED).tag))
            sent = min(messages, sent + STEP)
            return counted(sent, rate)

    with tempfile.TemporaryDirectory() as path, closing(Services(pathlib.Path(path))) as services, closing(
        Hostile(reply)
    ) as server:
        print(server.url, flush=True)
        sys.stdin.read()


@contextmanager
def service(seed, messages, rate):
    """Run the service; gives its api_url."""
    command = [sys.executable, "-c", f"from {__name__} import serve; serve({seed}, {messages}, {rate})"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()
        assert process.wait(30) == 0


def sample():
    """What this process holds now."""
    gc.collect()
    process = psutil.Process()
    return Sample(process.num_fds(), threading.active_count(), process.memory_info().rss)


def action(connection=None, **args):
    """The gate's action, of a task with these arguments, on a connection or the local one."""
    task, loader, context = Task(), DataLoader(), PlayContext()
    task.args, task.check_mode = args, False
    connection = connection or plugins.connection_loader.get("ansible.builtin.local", context)
    given = {"play_context": context, "loader": loader, "templar": Templar(loader), "shared_loader_obj": plugins}
    return plugins.action_loader.get("mailops.smtpeter.campaign_gate", task=task, connection=connection, **given)


def look_at(url, messages, every, **more):
    """Run the action on the campaign, which it can judge once all messages are counted: the result, and the samples.

    A sample is taken `every` so many looks. `more` are options of the gate. A look is the info module's own work.
    """
    given = {
        "tags": [TAG], "api_token": TOKEN, "api_url": url, "timeout": 0.3, "retries": 0, "wait_timeout": 600,
        "wait_sleep": 0.001, "max_consecutive_errors": 40, "min_messages": messages, "expected_messages": messages,
        "grace_period": 1.5, "sending_gap": 1, **more,
    }  # fmt: skip
    gate, samples, looks = action(**given), [], itertools.count(1)
    validator = ArgumentSpecValidator({**options.connection_spec(), **options.reading_spec()})

    def execute(module_name, module_args, task_vars):
        assert module_name.endswith("tag_stats_info")
        validated = validator.validate(module_args)
        assert not validated.error_messages
        found = tag_stats_info.run(validated.validated_parameters)
        if next(looks) % every == 0:
            samples.append(sample())
        return json.loads(json.dumps(found))

    gate._execute_module = execute
    return gate.run(task_vars={"inventory_hostname": "localhost"}), samples
