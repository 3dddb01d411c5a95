"""The documentation site leads to every guide, and explains the gate in a minute."""

import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCSITE = ROOT / "docs" / "docsite"
GUIDES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((DOCSITE / "rst").glob("*.rst"))}
INDEX = (ROOT / "docs" / "site" / "index.rst").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def words(text):
    """Text with every run of white space as one blank."""
    return " ".join(text.split())


def test_all_guides_are_in_both_indexes():
    """Ansible's documentation and the site have the same ones, in the same order."""
    sections = yaml.safe_load((DOCSITE / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    listed = [name for section in sections for name in section["toctree"]]
    assert re.findall(r"^   reference/docsite/(\w+)$", INDEX, re.MULTILINE) == listed
    assert sorted(listed) == sorted(GUIDES)


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_can_be_referred_to(name):
    """It has the label that Ansible's documentation wants."""
    assert f".. _ansible_collections.mailops.smtpeter.docsite.{name}:\n" in GUIDES[name]


def test_what_the_index_runs_is_run_by_a_test():
    """The README has it, whose commands test_examples.py runs."""
    commands = re.findall(r"^ +(ansible-playbook .*)$", INDEX, re.MULTILINE)
    assert commands
    assert set(commands) <= set(README.splitlines())


def test_the_gate_is_explained_in_a_minute():
    """Its guide begins with the rule that the README has, and no other page repeats it."""
    _head, _rule, body = GUIDES["guide_gate"].partition("\n=====")
    first = words(body.partition("\n\n")[2].partition("\n\n")[0])
    assert first.startswith("**While mail is being sent, the gate decides on statistical evidence;")
    texts = [words(text) for text in (README, INDEX, *GUIDES.values())]
    assert sum(text.count(first.strip("*")) for text in texts) == 2
    assert first in words(README)
