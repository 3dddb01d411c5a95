"""Looks for answers and policies that break what holds of all of them, led by the lines that each input reaches.

Usage: fuzz.py TARGET SECONDS, with TARGET "answer" or "policy". It begins with the files of tests/fuzz/corpus/TARGET,
and writes an input that breaks something beside them, where `make test` runs it from then on. What else it came
across stays in .fuzz/TARGET, so that the next run goes on from there. Its status is not 0 where it found something.
"""

import json
import os
import pathlib
import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections"]):
    from ansible_collections.mailops.smtpeter.tests.fuzz._checks import TARGETS, WORDS

if __name__ == "__main__":
    target, seconds = sys.argv[1:]
    corpus = pathlib.Path(__file__).resolve().parent / "corpus" / target
    found = corpus.parents[3] / ".fuzz" / target
    found.mkdir(parents=True, exist_ok=True)
    words = found.with_suffix(".dict")
    words.write_text("".join(f"{json.dumps(word)}\n" for word in WORDS), encoding="utf-8")
    options = {
        "max_total_time": seconds, "max_len": 4096, "timeout": 10, "rss_limit_mb": 2048, "verbosity": 0,
        "print_final_stats": 1, "dict": words, "artifact_prefix": f"{corpus}{os.sep}",
    }  # fmt: skip
    given = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], *given, str(found), str(corpus)], TARGETS[target])
    atheris.Fuzz()
