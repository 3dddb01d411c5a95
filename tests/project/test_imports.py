"""What the collection needs at run time is requests, and nothing else that is not named here."""

import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OWN = "ansible_collections.mailops.smtpeter.plugins."
# Who imports what is neither Python's nor Ansible's own. urllib3 and certifi come with requests.
NEEDED = {
    "requests": {f"module_utils/{name}.py" for name in ("_body", "_client", "_http", "_proxy", "_request_error")},
    "urllib3": {f"module_utils/{name}.py" for name in ("_http", "_proxy", "_request_error")},
    "certifi": {"module_utils/_certificates.py"},
    "jinja2": {"plugin_utils/_report/html.py"},
}
OPTIONAL = {
    "cryptography": {"module_utils/_sandbox/tls.py"},
    "pygal": {"plugin_utils/_report/_chart.py"},
    "socks": {"module_utils/_proxy.py"},
}


def imports(tree):
    """The full name of each absolute import, and whether it happens only when a function is called."""
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    late = {node for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        elif isinstance(node, ast.Call) and re.search(r"\b(import_module|__import__)$", ast.unparse(node.func)):
            names = [ast.literal_eval(node.args[0])]
            # import-linter does not see these.
            assert not names[0].startswith(OWN)
        yield from ((name, node in late) for name in names)


def test_nothing_else_is_imported():
    """Beside Python's, Ansible's and the collection's own, what is listed; what is optional waits until it is used."""
    found, early = {}, set()
    for path in (ROOT / "plugins").rglob("*.py"):
        for name, is_late in imports(ast.parse(path.read_text(encoding="utf-8"))):
            top, place = name.split(".")[0], path.relative_to(ROOT / "plugins").as_posix()
            if top == "ansible" and place.startswith("module"):
                # A task's host has no other part of it.
                assert f"{name}.".startswith("ansible.module_utils."), place
            elif top not in sys.stdlib_module_names and top != "ansible" and not f"{name}.".startswith(OWN):
                found.setdefault(top, set()).add(place)
                early |= {top} if not is_late else set()
    assert found == {**NEEDED, **OPTIONAL}
    assert early & set(OPTIONAL) == set()
