"""What the workflows, .ci/run and the README say of ansible-cores and Pythons is what noxfile.py has.

`make lint` checks the rest of the workflows, by zizmor and a schema.
"""

import ast
import pathlib

import ansible.release
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
OWN = ".".join(ansible.release.__version__.split(".")[:2])


def text_of(path):
    """The text of a file."""
    return (ROOT / path).read_text(encoding="utf-8")


def workflow(name):
    """What a workflow says."""
    return yaml.safe_load(text_of(f".github/workflows/{name}.yml"))


def constant(name):
    """A constant of noxfile.py, which only nox can import."""
    nodes = [node for node in ast.parse(text_of("noxfile.py")).body if isinstance(node, ast.Assign)]
    (value,) = (node.value for node in nodes if ast.unparse(node.targets[0]) == name)
    return ast.literal_eval(value)


CORES = constant("CORES")


def numbers(version):
    """A version as what can be compared."""
    return [int(part) for part in version.split(".")]


def test_the_pythons_are_those_of_ansible_core():
    """Those of this ansible-core, and the oldest one that it and we support on a host."""
    if OWN not in CORES:
        pytest.skip(f"ansible-core {OWN} is not in the table")
    package = pathlib.Path(ansible.release.__file__).resolve().parents[1]
    path = package / "ansible_test" / "_util" / "target" / "common" / "constants.py"
    theirs = {}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), theirs)
    controller, hosts = theirs["CONTROLLER_PYTHON_VERSIONS"], theirs["REMOTE_ONLY_PYTHON_VERSIONS"]
    least = yaml.safe_load(text_of("tests/config.yml"))["modules"]["python_requires"].removeprefix(">=")
    python, host = CORES[OWN]
    assert python == controller[0]
    assert host == next(version for version in (*hosts, *controller) if numbers(version) >= numbers(least))


def test_the_oldest_is_the_oldest_that_the_collection_installs_on():
    """And the README names each, and the last as what it is."""
    assert yaml.safe_load(text_of("meta/runtime.yml"))["requires_ansible"] == f">={next(iter(CORES))}.0"
    *named, last, _pre_release = CORES
    said = " ".join(text_of("README.md").split())
    assert f"ansible-core {', '.join(named)}, {last} and the newest pre-release" in said


def test_each_core_has_its_job_and_its_place_in_ci():
    """The job has the oldest Python of a host and of a controller."""
    included = workflow("tests")["jobs"]["core"]["strategy"]["matrix"]["include"]
    assert {each["core"]: tuple(each["pythons"].split()[::-1]) for each in included} == CORES
    script = text_of(".ci/run")
    oldest, *_between, newest, pre_release = CORES
    for series in (oldest, newest, pre_release):
        assert f"'ansible_test({series})'" in script
    # The newest one is that of `test` itself.
    assert [series for series in CORES if f"'units({series})'" not in script] == [newest]


def test_what_is_published_was_tested():
    """A tag alone publishes, and only what passed all that a change must pass."""
    content = workflow("publish")
    assert content["on"] == {"push": {"tags": ["v*"]}}
    assert content["jobs"]["build"]["steps"][-1]["run"].endswith(".ci/run")
    assert content["jobs"]["galaxy"]["needs"] == "build"
    assert content["jobs"]["release"]["needs"] == "galaxy"


def test_the_one_secret():
    """Galaxy's token is given to the one step that publishes, where a maintainer is asked first."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")}
    assert {name: text.count("secrets.") for name, text in texts.items() if "secrets." in text} == {"publish.yml": 1}
    job = workflow("publish")["jobs"]["galaxy"]
    assert job["environment"] == "galaxy"
    assert job["steps"][-1]["env"] == {"GALAXY_TOKEN": "${{ secrets.GALAXY_TOKEN }}"}
