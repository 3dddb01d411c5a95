"""Running a module in the process of its test."""

import contextlib
import json

import pytest
from ansible.module_utils import basic
from ansible_collections.mailops.smtpeter.tests.unit.plugins.sandboxes import result_of


@pytest.fixture
def module(request):
    """The module that a file of tests is about."""
    return request.module.MODULE


@pytest.fixture
def run(module, monkeypatch, capsys):
    """Run main() as Ansible would, in this process; its result, in which `failed` is always there."""

    def work(**arguments):
        given = {"_ansible_remote_tmp": "/tmp", "_ansible_keep_remote_files": False, **arguments}
        try:
            from ansible.module_utils.testing import patch_module_args
        except ImportError:  # ansible-core 2.16
            monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode())
            patch_module_args = contextlib.nullcontext
        with patch_module_args(given), pytest.raises(SystemExit):
            module.main()
        return {"failed": False, **result_of(capsys.readouterr().out)}

    return work
