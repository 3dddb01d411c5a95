# Copyright: (c) 2026, the mailops.smtpeter contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that make and .ci/run call. The environments are below .venv; tests/tools/nox.sh makes that, and runs nox."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from typing import Iterator, Sequence

import nox

nox.options.envdir = ".venv/nox"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["unit", "lint"]

VENV = pathlib.Path(".venv").absolute()
UV = [sys.executable, "-m", "uv"]
PINS = "tests/requirements"
# By series: the Pythons of a controller, the oldest and the newest first, and the oldest one of a host that we support.
CORES = {
    "2.16": (("3.10", "3.12", "3.11"), "3.8"),
    "2.19": (("3.11", "3.13", "3.12"), "3.8"),
    "2.20": (("3.12", "3.14", "3.13"), "3.9"),
    "2.21": (("3.12", "3.14", "3.13"), "3.9"),
    "2.22": (("3.13", "3.15", "3.14"), "3.9"),
}
# The oldest and the newest, which `make test` runs on.
WHOLE = ("2.16", "2.21")
# What carries awx.awx and community.general; ansible-galaxy would need Galaxy for them.
COMMUNITY, UNPACKED = "ansible==12.3.0", ("ansible_collections/awx/awx/", "ansible_collections/community/general/")
LINES, BRANCHES = 97, 95
# .ci/run leaves out what a job on GitHub does for each ansible-core.
SHORT = bool(os.environ.get("SHORT"))
# What finds this checkout as a collection, and no settings of the caller's.
OURS = {
    "ANSIBLE_COLLECTIONS_PATH": str(VENV / "collections"),
    "ANSIBLE_CONFIG": os.path.abspath("tests/ansible.cfg"),
    "PYTHONPATH": str(VENV / "collections"),
}
each_core = nox.parametrize("core", list(CORES), ids=list(CORES))


class NoPython(Exception):
    """This machine lacks an interpreter; the text says for what."""


def find_python(version: str) -> str | None:
    """An interpreter of this version, from PATH or pyenv: one of pyenv's shims may be on PATH and not run."""
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    for found in (shutil.which(f"python{version}"), *sorted(pyenv.glob(f"versions/{version}.*/bin/python"))):
        code = "import sys; print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
        done = subprocess.run([found or "false", "-c", code], check=False, capture_output=True, text=True)
        said, _blank, path = done.stdout.strip().partition(" ")
        if said == version:
            return path
    return None


def environment(session: nox.Session, name: str, *versions: str) -> pathlib.Path:
    """The Python of .venv/cores/NAME-pyVERSION with its pins, for the first of these versions that is found."""
    found = ((version, find_python(version)) for version in versions)
    version, python = next((pair for pair in found if pair[1]), (None, None))
    if python is None:
        raise NoPython(f"{name} needs Python {' or '.join(versions)}: none on PATH or in pyenv")
    home = VENV / "cores" / f"{name}-py{version}"
    home.mkdir(parents=True, exist_ok=True)
    pins = pathlib.Path(PINS, f"{name}.txt")
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = home / "installed.txt"
        if not (stamp.is_file() and stamp.read_text() == pins.read_text() and (home / "bin" / "python").exists()):
            session.run(*UV, "venv", "--quiet", "--allow-existing", "--python", python, home, external=True)
            session.run(*UV, "pip", "sync", "--quiet", "--python", home / "bin" / "python", pins, external=True)
            shutil.copyfile(pins, stamp)
    return home / "bin" / "python"


def core_python(session: nox.Session, core: str) -> pathlib.Path:
    """The Python of an environment with this ansible-core; the session is skipped, by name, where there is none."""
    try:
        return environment(session, f"core-{core}", *CORES[core][0])
    except NoPython as reason:
        session.skip(str(reason))


def ready(session: nox.Session, name: str) -> None:
    """Have the pins of this name in the session's environment."""
    session.install("--quiet", "--requirement", f"{PINS}/{name}.txt")


def run_playbook(session: nox.Session, *words: str) -> None:
    """Run ansible-playbook of .venv with nothing of the caller's own settings."""
    with tempfile.TemporaryDirectory() as private:
        # Through a link, since ansible-core before 2.20 cannot run modules with an interpreter whose path has a space.
        link = pathlib.Path(private, "venv")
        link.symlink_to(VENV)
        env = {name: None for name in os.environ if name.startswith(("ANSIBLE_", "SMTPETER_"))} | {
            **OURS,
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "HOME": private,
        }
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
    session.log("Look at gate-demo/*.html in a browser.")


def ready_for_eda(session: nox.Session) -> dict[str, str]:
    """Have ansible-rulebook in the session's environment, and return its JAVA_HOME; skipped where there is no Java."""
    found = shutil.which("java")
    homes = [os.environ.get("JAVA_HOME", ""), str(pathlib.Path(found).resolve().parents[1]) if found else ""]
    homes += map(str, sorted(pathlib.Path("/usr/lib/jvm").glob("*17*")))
    java = next((home for home in homes if home and pathlib.Path(home, "bin", "java").exists()), None)
    if java is None:
        session.skip(
            "ansible-rulebook needs Java 17 or later, and there is none: on Debian and Ubuntu, apt-get install "
            "default-jre-headless, or set JAVA_HOME"
        )
    ready(session, "eda")
    return {**OURS, "JAVA_HOME": java}


@nox.session(name="eda-demo")
def eda_demo(session: nox.Session) -> None:
    """A stream that turns bad, and the rulebook that reacts, on the sandbox; needs Java."""
    session.run("python", "tests/tools/eda_demo.py", env=ready_for_eda(session))


@nox.session
def eda(session: nox.Session) -> None:
    """The event source under the real ansible-rulebook; needs Java."""
    env = ready_for_eda(session)
    session.run("python", "-m", "pytest", "-q", *(session.posargs or ["tests/eda"]), env=env)


@nox.session(venv_backend="none")
def unit(session: nox.Session) -> None:
    """The unit tests that are quick, on .venv's own ansible-core; of a path that is named also the slow ones."""
    named = any(os.path.exists(word.partition("::")[0]) for word in session.posargs)
    words = [] if named else ["-n", "3", "--dist", "worksteal", "-m", "not slow", "tests/unit"]
    session.run(sys.executable, "-m", "pytest", "-q", *words, *session.posargs, external=True)


def other_cores(session: nox.Session, cores: Sequence[str] = WHOLE) -> None:
    """Make the environments of these ansible-cores, and list them in .venv/cores.json for the integration tests."""
    made: dict[str, dict[str, str | bool]] = {}
    for core in cores:
        made[core] = {"whole": core in WHOLE}
        try:
            made[core]["python"] = str(environment(session, f"core-{core}", *CORES[core][0]).relative_to(VENV.parent))
        except NoPython as reason:
            made[core]["skip"] = str(reason)
            session.warn(f"Skipped: {reason}")
    (VENV / "cores.json").write_text(json.dumps(made, indent=2) + "\n")


def community(session: nox.Session) -> None:
    """Unpack the community's collections of COMMUNITY in .venv/community."""
    home, wanted = VENV / "community", "\n".join([COMMUNITY, *UNPACKED])
    stamp = home / "installed.txt"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    with tempfile.TemporaryDirectory() as directory:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-qq", "--no-deps"]
        session.run(*pip, "--only-binary", ":all:", "--dest", directory, COMMUNITY, external=True)
        (wheel,) = pathlib.Path(directory).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(home, [name for name in archive.namelist() if name.startswith(UNPACKED)])
    stamp.write_text(wanted)


@nox.session
def test(session: nox.Session) -> None:
    """All tests, and how much of plugins/ they reach; paths, -k and -m narrow it, and then nothing is measured."""
    ready(session, "test")
    chosen = [word for word in session.posargs if word in ("-k", "-m") or os.path.exists(word.partition("::")[0])]
    if not (chosen and all(word.startswith("tests/unit") for word in chosen)):
        other_cores(session)
        community(session)
    pytest = ["python", "-m", "pytest", "-n", "3", "--dist", "worksteal", *session.posargs]
    if chosen:
        session.run(*pytest)
        return
    home = VENV / "coverage"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    settings = f"--rcfile={os.path.abspath('tests/coverage.ini')}"
    where = {"COVERAGE_ROOT": os.getcwd()}
    session.run(*pytest, env={**where, "COVERAGE_PROCESS_START": settings.partition("=")[2]})
    # A process that a test kills leaves no whole file, which is warned of and left out.
    session.run("coverage", "combine", "--quiet", settings, env=where, silent=True)
    session.run("coverage", "json", "--quiet", settings, "-o", str(home / "coverage.json"), env=where)
    totals = json.loads((home / "coverage.json").read_text())["totals"]
    lines = 100 * totals["covered_lines"] / totals["num_statements"]
    branches = 100 * totals["covered_branches"] / totals["num_branches"]
    print(f"Coverage of plugins/: {lines:.1f}% of the lines, {branches:.1f}% of the branches")
    if lines < LINES or branches < BRANCHES:
        session.run("coverage", "report", settings, "--skip-covered", "--show-missing", env=where)
        session.error(f"{LINES}% of the lines and {BRANCHES}% of the branches are needed")


@nox.session(venv_backend="none")
@each_core
def units(session: nox.Session, core: str) -> None:
    """The unit tests that touch Ansible, on each ansible-core, and all quick ones on the oldest."""
    which = "ansible or not slow" if core == WHOLE[0] else "ansible and not slow" if SHORT else "ansible"
    words = session.posargs or ["-n", "3", "--dist", "worksteal", "-m", which, "tests/unit"]
    session.run(core_python(session, core), "-m", "pytest", "-q", *words, external=True)


@nox.session
@each_core
def integration(session: nox.Session, core: str) -> None:
    """The integration tests on one ansible-core; where `make test` does not run on it, those marked `every_core`."""
    ready(session, "test")
    core_python(session, core)
    other_cores(session, [core])
    community(session)
    words = ["-n", "3", "--dist", "worksteal", "--core", core, *session.posargs, "tests/integration"]
    session.run("python", "-m", "pytest", "-q", *words)


@nox.session(venv_backend="none")
@each_core
def modules(session: nox.Session, core: str) -> None:
    """The unit tests of modules and module_utils, on the oldest Python of a host, with module_utils of ansible-core."""
    package = core_python(session, core).parents[1].glob("lib/*/site-packages/ansible/module_utils")
    try:
        python = environment(session, "target", CORES[core][1])
    except NoPython as reason:
        session.skip(str(reason))
    library = VENV / "cores" / f"module-utils-{core}"
    (library / "ansible").mkdir(parents=True, exist_ok=True)
    (library / "ansible" / "__init__.py").touch()
    link = library / "ansible" / "module_utils"
    link.unlink(missing_ok=True)
    link.symlink_to(next(package))
    words = ["-n", "3", "--dist", "worksteal", *(["-m", "not slow"] if SHORT else []), *session.posargs]
    tests = ["tests/unit/plugins/module_utils", "tests/unit/plugins/modules"]
    session.run(python, "-m", "pytest", "-q", *words, *tests, env={"PYTHONPATH": str(library)}, external=True)


@contextlib.contextmanager
def checkout() -> Iterator[pathlib.Path]:
    """A copy of what git tracks or would track, as a git checkout where ansible-test wants a collection."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], check=True, capture_output=True)
    with tempfile.TemporaryDirectory() as directory:
        target = pathlib.Path(directory, "ansible_collections", "mailops", "smtpeter")
        for name in filter(os.path.isfile, listed.stdout.decode().split("\0")):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, target / name, follow_symlinks=False)
        subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)
        subprocess.run(["git", "add", "--all"], cwd=target, check=True)
        yield target


def out_of_reach(session: nox.Session, python: pathlib.Path) -> Iterator[str]:
    """Skip each sanity test that needs a file from a server that does not answer."""
    for path in sorted(python.parents[1].glob("lib/*/site-packages/ansible_test/_data/requirements/sanity.*.txt")):
        for host in re.findall(r"@ https://([^/\s]+)/", path.read_text()):
            try:
                socket.create_connection((host, 443), 5).close()
            except OSError:
                test = path.name.split(".")[1]
                session.warn(f"Skipped: sanity's {test}, which needs a file of {host}, which is out of reach")
                yield f"--skip-test={test}"


@nox.session(venv_backend="none")
@each_core
def ansible_test(session: nox.Session, core: str) -> None:
    """`ansible-test sanity`, all tests and no ignore file, or another command: -- units, -- integration --local.

    Pylint takes two thirds of the time, so .ci/run asks for it on the newest ansible-core alone.
    """
    python = core_python(session, core)
    seed = pathlib.Path("../shared/tools/seed-ansible-test-pip")
    if seed.is_file():  # ansible-test downloads its pip from a file server, which may be out of reach
        session.run(sys.executable, seed, python.parents[1], external=True, silent=True)
    words = session.posargs or ["sanity", "--local", "--requirements", *out_of_reach(session, python)]
    if not session.posargs and SHORT and core != WHOLE[-1]:
        words.append("--skip-test=pylint")
    with checkout() as target:
        # Without a space in its path; ansible-test looks for Pythons on PATH alone.
        venv, pythons = target.parents[2] / "venv", target.parents[2] / "pythons"
        venv.symlink_to(python.parents[1])
        pythons.mkdir()
        for version in sorted({version for versions, host in CORES.values() for version in (*versions, host)}):
            if found := find_python(version):
                (pythons / f"python{version}").symlink_to(found)
            else:
                session.warn(f"Skipped: sanity's tests on Python {version}: none on PATH or in pyenv")
        name = {"smtpeter_sandbox_name": f"ansible-test-{os.getpid()}"}
        (target / "tests" / "integration" / "integration_config.yml").write_text(json.dumps(name))
        env = {name: None for name in os.environ if name.startswith(("ANSIBLE_", "SMTPETER_", "PYTHONPATH"))}
        env["PATH"] = f"{pythons}:{os.environ['PATH']}"
        session.chdir(target)
        session.run(venv / "bin" / "python", venv / "bin" / "ansible-test", *words, env=env, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, YAML, playbooks, plugin documentation, changelog, licences and workflows."""
    ready(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "-m", "mypy")
    session.run("yamllint", "--strict", ".")
    workflows = [str(path) for path in pathlib.Path(".github/workflows").glob("*.yml")]
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("zizmor", "--offline", "--quiet", ".github")
    session.run("antsibull-changelog", "lint")
    docs = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--check-extra-docs-refs"]
    session.run(*docs, "--validate-collection-refs", "all", "--disallow-unknown-collection-refs", ".", env=OURS)
    session.run("reuse", "lint", "--quiet")
    session.run("ansible-lint", "--offline", env=OURS)


@nox.session(name="format")
def format_files(session: nox.Session) -> None:
    """Format the Python files as lint wants them."""
    ready(session, "lint")
    session.run("ruff", "check", "--fix", "--quiet", ".", success_codes=[0, 1])
    session.run("ruff", "format", ".")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, into .docs/html, and its pictures; a page may load nothing from elsewhere."""
    ready(session, "docs")
    session.run("python", "tests/tools/pictures.py", env=OURS)
    source, html = pathlib.Path(".docs/source"), pathlib.Path(".docs/html")
    shutil.rmtree(source, ignore_errors=True)
    # Laid out as in the repository, so that the links between the pages hold; `reference` has the guides, too.
    shutil.copytree("docs/site", source)
    copied = {"docs/*.md": "docs", "docs/pictures/*.svg": "pictures"}
    for pattern, place in {**copied, "SECURITY.md": ".", "CHANGELOG.md": ".", "galaxy.yml": "."}.items():
        (source / place).mkdir(exist_ok=True)
        for path in pathlib.Path().glob(pattern):
            shutil.copy2(path, source / place)
    reference = source / "reference"
    reference.mkdir(mode=0o755)
    antsibull = ["antsibull-docs", "--config-file", "docs/site/antsibull-docs.cfg", "collection", "--use-current"]
    antsibull += ["--squash-hierarchy", "--fail-on-error", "--dest-dir", str(reference), "mailops.smtpeter"]
    session.run(*antsibull, env=OURS)
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-d", ".docs/doctrees", *session.posargs, source, html)
    loaded = re.compile(r"""<(?:script|img|iframe|source|link[^>]*\brel="(?:stylesheet|preload|icon)")[^>]*https?://""")
    found = [str(page) for page in html.rglob("*.html") if loaded.search(page.read_text(encoding="utf-8"))]
    if found:
        session.error(f"These pages load something from elsewhere: {', '.join(found)}")


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of every pinned package; fails where it cannot ask."""
    session.install("--quiet", "pip-audit")
    for pins in sorted(pathlib.Path(PINS).glob("*.txt")):
        session.run("pip-audit", "--strict", "--disable-pip", "--no-deps", "-r", str(pins), *session.posargs)


def script(session: nox.Session, *words: str) -> None:
    """Run a Python program with what the tests have."""
    ready(session, "test")
    session.run("python", *words, *session.posargs, env=OURS)


@nox.session
def soak(session: nox.Session) -> None:
    """What takes too long for the tests: a hundred kills, twice a thousand looks."""
    script(session, "-m", "pytest", "tests/soak")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Look for answers and policies that break the parser or the policy, for a minute or the seconds that are given."""
    ready(session, "test")
    session.install("--quiet", "-r", f"{PINS}/fuzz.txt")
    seconds = int(session.posargs[0]) if session.posargs else 60
    for target in ("answer", "policy"):
        session.run("python", "tests/fuzz/fuzz.py", target, str(seconds // 2), env=OURS)


@nox.session
def faults(session: nox.Session) -> None:
    """Meet every fault of a hostile service, on each ansible-core."""
    ready(session, "test")
    other_cores(session, list(CORES))
    for core in CORES:
        words = ["-n", "2", "--dist", "worksteal", "--core", core, *session.posargs]
        session.run("python", "-m", "pytest", "-q", *words, "tests/integration/test_hostile.py")


@nox.session
def benchmark(session: nox.Session) -> None:
    """Speed beside the alternatives, into docs/speed.md."""
    script(session, "tests/benchmark/speed.py")


@nox.session
def simulate(session: nox.Session) -> None:
    """How well the gate decides, beside its rivals."""
    session.install("--quiet", "numpy")
    script(session, "tests/benchmark/simulate.py")


@nox.session
def mutants(session: nox.Session) -> None:
    """The mutation score of judging: the share of small mistakes that its tests notice. Changes plugins/ meanwhile."""
    ready(session, "test")
    session.install("--quiet", "-r", f"{PINS}/mutants.txt")
    config, database = "tests/mutation.toml", ".mutation.sqlite"
    session.run("cosmic-ray", "init", config, database, "--force", env=OURS)
    session.run("cr-filter-operators", database, config, env=OURS)
    session.run("cosmic-ray", "exec", config, database, env=OURS)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as results:
        # cr-rate counts what a filter skipped as noticed.
        results.execute("DELETE FROM work_results WHERE worker_outcome = 'SKIPPED'")
    session.run("cr-report", database, "--surviving-only", "--show-diff", env=OURS)
    session.run("cr-rate", "--fail-over", "10", database, env=OURS)


@nox.session(venv_backend="none")
def pins(session: nox.Session) -> None:
    """Write the pins of tests/requirements/*.in again, or of those that are named: exact, for each Python."""
    oldest = {f"core-{core}": versions[0] for core, (versions, _host) in CORES.items()}
    oldest |= {"target": "3.8", "eda": "3.12"}
    names = session.posargs or [path.stem for path in pathlib.Path(PINS).glob("*.in") if path.stem != "tests"]
    for name in names:
        options = ["--quiet", "--universal", "--upgrade", "--no-header", "--no-annotate"]
        options += ["--python-version", oldest.get(name, "3.10"), "--output-file", f"{PINS}/{name}.txt"]
        session.run(*UV, "pip", "compile", *options, f"{PINS}/{name}.in", external=True)
