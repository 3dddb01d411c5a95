# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions that make and .ci/run call. tests/tools/nox.sh makes .venv, and runs nox from it."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import sys
import tempfile
import zipfile

import nox

nox.options.envdir = ".venv/nox"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["unit", "lint"]

VENV = pathlib.Path(".venv").absolute()
PINS = "tests/requirements"
# By series: the oldest Python of a controller, and the oldest one of a host that we support.
CORES = {
    "2.16": ("3.10", "3.8"),
    "2.19": ("3.11", "3.8"),
    "2.20": ("3.12", "3.9"),
    "2.21": ("3.12", "3.9"),
    "2.22": ("3.13", "3.9"),
}
OLDEST = next(iter(CORES))
# What has awx.awx and community.general on PyPI.
COMMUNITY, UNPACKED = "ansible==12.3.0", ("ansible_collections/awx/awx/", "ansible_collections/community/general/")
LINES, BRANCHES = 97, 95
# .ci/run sets it, and leaves to a job on GitHub what is slow and tells little.
SHORT = bool(os.environ.get("SHORT"))
PARALLEL = ["python", "-m", "pytest", "-q", "-n", "3", "--dist", "worksteal"]
# What finds this checkout as a collection, and none of the caller's settings.
OURS = {
    "ANSIBLE_COLLECTIONS_PATH": str(VENV / "collections"),
    "ANSIBLE_CONFIG": os.path.abspath("tests/ansible.cfg"),
    "PYTHONPATH": str(VENV / "collections"),
}
each_core = nox.parametrize("python,core", [(CORES[core][0], core) for core in CORES], ids=list(CORES))
each_host = nox.parametrize("python,core", [(CORES[core][1], core) for core in CORES], ids=list(CORES))


def install(session: nox.Session, *names: str) -> None:
    """Have the pins of these names in the session's environment."""
    session.install("--quiet", *(f"--requirement={PINS}/{name}.txt" for name in names))


def without(*prefixes: str) -> dict[str, None]:
    """What takes the caller's variables with these prefixes out of an environment."""
    return {name: None for name in os.environ if name.startswith(prefixes)}


def run_playbook(session: nox.Session, *words: str) -> None:
    """Run ansible-playbook of .venv with nothing of the caller's own settings."""
    with tempfile.TemporaryDirectory() as private:
        # Through a link, since ansible-core before 2.20 cannot run modules with an interpreter whose path has a space.
        link = pathlib.Path(private, "venv")
        link.symlink_to(VENV)
        quiet = {"ANSIBLE_INVENTORY_UNPARSED_WARNING": "false", "ANSIBLE_LOCALHOST_WARNING": "false", "HOME": private}
        env = {**without("ANSIBLE_", "SMTPETER_"), **OURS, **quiet}
        command = [link / "bin" / "python", "-m", "ansible", "playbook", *words]
        session.run(*command, env=env, external=True, interrupt_timeout=10, terminate_timeout=5)


@nox.session(venv_backend="none")
def demo(session: nox.Session) -> None:
    """The whole story on a local sandbox; no account needed."""
    run_playbook(session, "mailops.smtpeter.demo", *session.posargs)


@nox.session(name="gate-demo", venv_backend="none")
def gate_demo(session: nox.Session) -> None:
    """Four campaigns at the gate, on the sandbox; a page for each is left in gate-demo/."""
    run_playbook(session, "mailops.smtpeter.gate_demo", "-e", "demo_reports=gate-demo", *session.posargs)


def install_eda(session: nox.Session) -> dict[str, str]:
    """Have ansible-rulebook, and return its environment; the session is skipped where there is no Java."""
    java = shutil.which("java", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ['PATH']}")
    if not java:
        package = "on Debian and Ubuntu, apt-get install default-jre-headless"
        session.skip(f"ansible-rulebook needs Java 17 or later, and there is none: {package}, or set JAVA_HOME")
    install(session, "eda")
    return {**OURS, "JAVA_HOME": str(pathlib.Path(java).resolve().parents[1])}


@nox.session(name="eda-demo")
def eda_demo(session: nox.Session) -> None:
    """A stream that turns bad, and the rulebook that reacts, on the sandbox; needs Java."""
    session.run("python", "tests/tools/eda_demo.py", env=install_eda(session))


@nox.session
def eda(session: nox.Session) -> None:
    """The event source under the real ansible-rulebook; needs Java."""
    session.run("python", "-m", "pytest", "-q", *(session.posargs or ["tests/eda"]), env=install_eda(session))


@nox.session(venv_backend="none")
def unit(session: nox.Session) -> None:
    """The unit tests that are quick, on .venv's own ansible-core; of a path that is named also the slow ones."""
    words = [] if any("/" in word for word in session.posargs) else ["-n", "2", "-m", "not slow", "tests/unit"]
    session.run(sys.executable, "-m", "pytest", "-q", *words, *session.posargs, external=True)


def install_tests(session: nox.Session, name: str = "test") -> None:
    """Have what integration tests need, the community's collections included."""
    install(session, name)
    if not (VENV / "community").is_dir():
        with tempfile.TemporaryDirectory(dir=VENV) as directory:
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-qq", "--no-deps"]
            session.run(*pip, "--dest", directory, COMMUNITY, external=True)
            (wheel,) = pathlib.Path(directory).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(f"{directory}/all", [n for n in archive.namelist() if n.startswith(UNPACKED)])
            # Whole or not at all, also where a session beside this one does the same.
            with contextlib.suppress(OSError):
                os.rename(f"{directory}/all", VENV / "community")


@nox.session
def test(session: nox.Session) -> None:
    """All tests, and how much of plugins/ they reach; paths, -k and -m narrow it, and then nothing is measured.

    What differs between ansible-cores is run on the oldest, too.
    """
    install_tests(session)
    if session.posargs:
        session.run(*PARALLEL, *session.posargs)
        return
    home, rcfile = VENV / "coverage", os.path.abspath("tests/coverage.ini")
    settings = f"--rcfile={rcfile}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    root = {"COVERAGE_ROOT": os.getcwd()}
    if "CI" not in os.environ:  # .ci/run has it beside this session, and GitHub in a job
        session.notify(f"integration({OLDEST})", ["-m", "every_core"])
    session.run(*PARALLEL, env={**root, "COVERAGE_PROCESS_START": rcfile})
    # A process that a test kills leaves no whole file, which is warned of and left out.
    session.run("coverage", "combine", "--quiet", settings, env=root, silent=True)
    session.run("coverage", "json", "--quiet", settings, "-o", str(home / "coverage.json"), env=root)
    totals = json.loads((home / "coverage.json").read_text())["totals"]
    lines = 100 * totals["covered_lines"] / totals["num_statements"]
    branches = 100 * totals["covered_branches"] / totals["num_branches"]
    print(f"Coverage of plugins/: {lines:.1f}% of the lines, {branches:.1f}% of the branches")
    if lines < LINES or branches < BRANCHES:
        session.run("coverage", "report", settings, "--skip-covered", "--show-missing", env=root)
        session.error(f"{LINES}% of the lines and {BRANCHES}% of the branches are needed")


@nox.session
def soak(session: nox.Session) -> None:
    """What takes too long for the tests: hundreds of kills, a thousand looks and tags, a day of an event source."""
    install_tests(session)
    install(session, "simulate")
    session.run(*PARALLEL, *(session.posargs or ["tests/soak"]))


@nox.session
@each_core
def units(session: nox.Session, core: str) -> None:
    """The unit tests that touch Ansible, on each ansible-core, and all quick ones on the oldest."""
    install(session, f"core-{core}")
    which = "ansible or not slow" if core == OLDEST else "ansible"
    session.run(*PARALLEL, *(session.posargs or ["-m", f"({which}) and not slow" if SHORT else which, "tests/unit"]))


@nox.session
@each_core
def integration(session: nox.Session, core: str) -> None:
    """The integration tests on one ansible-core."""
    install_tests(session, f"core-{core}")
    words = session.posargs or ["-m", "every_core" if SHORT else "not newest_core"]
    session.run(*PARALLEL, "tests/integration", *words)


@nox.session
@each_host
def modules(session: nox.Session, core: str) -> None:
    """The unit tests of modules and module_utils, on the oldest Python of a host, with module_utils of ansible-core."""
    install(session, "target")
    library = os.path.abspath(session.create_tmp())
    target = ["--no-deps", "--prerelease", "allow", "--python-version", CORES[core][0], "--target", library]
    session.install("--quiet", *target, "--constraint", f"{PINS}/core-{core}.txt", "ansible-core")
    tests = ["tests/unit/plugins/module_utils", "tests/unit/plugins/modules"]
    words = session.posargs or (["-m", "not slow"] if SHORT else [])
    session.run(*PARALLEL, *words, *tests, env={"PYTHONPATH": library})


@nox.session
@each_core
def ansible_test(session: nox.Session, core: str) -> None:
    """`ansible-test sanity`, all tests and no ignore file, or another command: -- units, -- integration --local."""
    install(session, f"core-{core}")
    seed = pathlib.Path("../shared/tools/seed-ansible-test-pip")
    if seed.is_file():  # ansible-test downloads its pip from a file server, which may be out of reach
        session.run("python", seed, session.virtualenv.location, silent=True)
    # Pylint takes two thirds of the time, and each further Python makes environments of its own.
    short = ["--skip-test=pylint", "--python", CORES[core][0]] if SHORT else []
    words = session.posargs or ["sanity", "--local", "--requirements", *short]
    with tempfile.TemporaryDirectory() as directory:
        # A git checkout of what git tracks or would track, where ansible-test wants a collection.
        target = pathlib.Path(directory, "ansible_collections", "mailops", "smtpeter")
        target.mkdir(parents=True)
        copy = 'git ls-files -z -co --exclude-standard | tar -c --null --ignore-failed-read -T - | tar -x -C "$0"'
        session.run("sh", "-c", f'{copy} && git init -q "$0" && git -C "$0" add --all', target, external=True)
        name = {"smtpeter_sandbox_name": f"ansible-test-{os.getpid()}"}
        (target / "tests" / "integration" / "integration_config.yml").write_text(json.dumps(name))
        session.chdir(target)
        session.run("ansible-test", *words, env=without("ANSIBLE_", "SMTPETER_", "PYTHONPATH"))


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, imports, YAML, playbooks, plugin documentation, changelog, licences and workflows."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "-m", "mypy")
    session.run("lint-imports", "--no-cache", env=OURS)
    session.run("yamllint", "--strict", ".")
    workflows = [str(path) for path in pathlib.Path(".github/workflows").glob("*.yml")]
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("zizmor", "--offline", "--quiet", ".github")
    session.run("antsibull-changelog", "lint")
    docs = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--check-extra-docs-refs"]
    # Of a collection that it finds twice, in OURS as well, it links to random paths, of which some are errors.
    alone = {"ANSIBLE_CONFIG": OURS["ANSIBLE_CONFIG"], "ANSIBLE_COLLECTIONS_PATH": None, "PYTHONPATH": None}
    session.run(*docs, "--validate-collection-refs", "all", "--disallow-unknown-collection-refs", ".", env=alone)
    session.run("reuse", "lint", "--quiet")
    session.run("ansible-lint", "--offline", env=OURS)


@nox.session(name="format")
def format_files(session: nox.Session) -> None:
    """Format the Python files as lint wants them."""
    install(session, "lint")
    session.run("ruff", "check", "--fix", "--quiet", ".", success_codes=[0, 1])
    session.run("ruff", "format", ".")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, into .docs/html, and its pictures; a page may load nothing from elsewhere."""
    install(session, "docs")
    session.run("python", "tests/tools/pictures.py", env=OURS)
    source, html = pathlib.Path(".docs/source"), pathlib.Path(".docs/html")
    shutil.rmtree(source, ignore_errors=True)
    # Laid out as in the repository, so that the links between the pages hold; `reference` has the guides, too.
    shutil.copytree("docs/site", source)
    copied = {"docs/*.md": "docs", "docs/pictures/*.svg": "pictures"}
    copied |= dict.fromkeys(("CHANGELOG.md", "SECURITY.md", "galaxy.yml"), ".")
    for pattern, place in copied.items():
        (source / place).mkdir(exist_ok=True)
        for path in pathlib.Path().glob(pattern):
            shutil.copy2(path, source / place)
    (source / "reference").mkdir(mode=0o755)
    antsibull = ["antsibull-docs", "--config-file", "docs/site/antsibull-docs.cfg", "collection", "--use-current"]
    antsibull += ["--squash-hierarchy", "--fail-on-error", "--dest-dir", f"{source}/reference", "mailops.smtpeter"]
    session.run(*antsibull, env=OURS)
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-d", ".docs/doctrees", *session.posargs, source, html)
    loaded = re.compile(r"""<(?:script|img|iframe|source|link[^>]*\brel="(?:stylesheet|preload|icon)")[^>]*https?://""")
    found = [str(page) for page in html.rglob("*.html") if loaded.search(page.read_text(encoding="utf-8"))]
    if found:
        session.error(f"These pages load something from elsewhere: {', '.join(found)}")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Look for answers and policies that break the parser or the policy, for a minute or the seconds that are given."""
    install(session, "test", "fuzz")
    for target in ("answer", "policy"):
        seconds = int((session.posargs or ["60"])[0]) // 2
        session.run("python", "tests/fuzz/fuzz.py", target, str(seconds), env=OURS)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Speed beside the alternatives, into docs/speed.md."""
    install(session, "test")
    session.run("python", "tests/benchmark/speed.py", *session.posargs, env=OURS)


@nox.session
def simulate(session: nox.Session) -> None:
    """How well the gate decides, beside its rivals."""
    install(session, "test", "simulate")
    session.run("python", "tests/benchmark/simulate.py", *session.posargs, env=OURS)


@nox.session
def mutants(session: nox.Session) -> None:
    """The mutation score of judging: the share of small mistakes that its tests notice. Changes plugins/ meanwhile."""
    install(session, "test", "mutants")
    config, database = "tests/mutation.toml", ".mutation.sqlite"
    session.run("cosmic-ray", "init", config, database, "--force", env=OURS)
    session.run("cr-filter-operators", database, config, env=OURS)
    session.run("cosmic-ray", "exec", config, database, env=OURS)
    with sqlite3.connect(database) as results:
        # cr-rate counts what a filter skipped as noticed.
        results.execute("DELETE FROM work_results WHERE worker_outcome = 'SKIPPED'")
    session.run("cr-report", database, "--surviving-only", "--show-diff", env=OURS)
    session.run("cr-rate", "--fail-over", "10", database, env=OURS)


@nox.session(venv_backend="none")
def pins(session: nox.Session) -> None:
    """Write the pins of tests/requirements/*.in again, or of those that are named: exact, for each Python."""
    oldest = {f"core-{core}": python for core, (python, _host) in CORES.items()} | {"target": "3.8", "eda": "3.12"}
    for name in session.posargs or [path.stem for path in pathlib.Path(PINS).glob("*.in") if path.stem != "tests"]:
        options = ["--quiet", "--universal", "--upgrade", "--no-header", "--no-annotate"]
        options += ["--python-version", oldest.get(name, "3.10"), "--output-file", f"{PINS}/{name}.txt"]
        session.run(sys.executable, "-m", "uv", "pip", "compile", *options, f"{PINS}/{name}.in", external=True)
