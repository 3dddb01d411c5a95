"""Running a module in the process of its test."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any, Callable

import pytest
from ansible.module_utils import basic

from .sandboxes import result_of


def run_module(
    main: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    **arguments: Any,
) -> dict[str, Any]:
    """Run `main` as Ansible would and return its result, in which `failed` is always there."""
    given = {"_ansible_remote_tmp": "/tmp", "_ansible_keep_remote_files": False, **arguments}
    with ExitStack() as stack:
        try:
            from ansible.module_utils.testing import patch_module_args
        except ImportError:
            # ansible-core 2.16
            monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode())
        else:
            stack.enter_context(patch_module_args(given))
        with pytest.raises(SystemExit):
            main()
    return {"failed": False, **result_of(capsys.readouterr().out)}
