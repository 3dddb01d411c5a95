"""The shared options: one set of defaults, what is refused before anything is sent; and libraries that are missing."""

import dataclasses
import platform
import sys

import pytest
from ansible_collections.mailops.smtpeter.plugins.module_utils import _options as options
from ansible_collections.mailops.smtpeter.plugins.module_utils._connection import Connection, check_tag
from ansible_collections.mailops.smtpeter.plugins.module_utils._errors import OptionError
from ansible_collections.mailops.smtpeter.plugins.module_utils._missing import LibraryMissing, is_missing
from ansible_collections.mailops.smtpeter.plugins.module_utils._values import TAG_LIMIT
from ansible_collections.mailops.smtpeter.tests.unit.plugins.hostile import assert_silent

pytestmark = pytest.mark.ansible


def test_the_spec_has_the_connections_fields_and_defaults():
    """What the argument spec says is what a connection has when nothing is given; the token is masked by both names."""
    spec = options.connection_spec()
    fields = {field.name: field.default for field in dataclasses.fields(Connection)}
    assert list(spec) == list(fields)
    token = spec.pop("api_token")
    assert (token["required"], token["no_log"], token["aliases"]) == (True, True, ["access_token"])
    assert {name: option.get("default") for name, option in spec.items()} == {name: fields[name] for name in spec}


def test_the_token_is_registered_where_ansible_can(registered, monkeypatch):
    """Newer versions are told of the secret, even of one that is refused; older ones have no function for it."""
    given = dataclasses.asdict(Connection("a-good-token", "https://localhost/v1", "tag", False, None, 3.5, 1))
    client = options.client_from({**given, "tags": ["a"], "parallel": 8, "_terms": [], "cache": False})
    assert dataclasses.asdict(client.connection) == given
    with pytest.raises(OptionError):
        options.client_from({**given, "api_token": "two words of it"})
    for nothing in (None, "", 7):
        options.register_secret(nothing)
    assert registered == ["a-good-token", "two words of it"]
    monkeypatch.setitem(sys.modules, "ansible.module_utils.secrets", None)
    monkeypatch.delattr("ansible.module_utils.secrets", raising=False)
    assert options.client_from(given).connection.api_token == "a-good-token"


@pytest.mark.parametrize("library", ["requests", "pygal", "PySocks", "cryptography"])
def test_each_way_to_install_is_named(monkeypatch, library):
    """A virtual environment's pip, quoted for a shell, pipx, and the package of the systems that refuse pip."""
    monkeypatch.setattr(sys, "executable", "/opt/my python/bin/python")
    assert str(LibraryMissing(library, ", or do without")) == (
        f"the Python library {library} is not installed on {platform.node()} for /opt/my python/bin/python; install it "
        f"with ''/opt/my python/bin/python' -m pip install {library}' in a virtual environment, 'pipx inject "
        f"ansible-core {library}' where pipx installed Ansible, or as the system's package, which is "
        f"python3-{library.replace('PyS', 's')} on Debian and Ubuntu, or do without"
    )
    assert (is_missing("json"), is_missing("no_such_library")) == (False, True)


TOKEN = r's3cr&t/+%"<é>tok\en'
URLS = {
    "plain http": [
        "http://www.smtpeter.com/v1", "http://127.0.0.1.evil.test/v1", "http://128.0.0.1/v1", "http://0.0.0.0/v1",
        "http://2130706433/v1", "http://127.1/v1", "http://localhost./v1", "http://[::2]/v1", "http://[::ffff:8.8.8.8]/v1",
    ],
    "user information": ["http://localhost@evil.test/v1", "https://token@www.smtpeter.com/v1", "https://@www.smtpeter.com/v1"],
    "user information|fragment": ["http://evil.test#@127.0.0.1/v1"],
    "backslash": ["http://evil.test\\@127.0.0.1/v1", "http://127.0.0.1\\.evil.test/v1"],
    "not a valid URL": ["http://[::1", "http://127.0.0.1:0x50/v1", "http://127.0.0.1:99999/v1"],
    "not a valid URL|plain http": ["http://[::1].evil.test/v1", "http://[localhost]/v1"],
    "query or a fragment": ["https://www.smtpeter.com/v1?", "https://www.smtpeter.com/v1#top"],
    "dot segment": ["https://www.smtpeter.com/../v1", "https://www.smtpeter.com/%2E%2e/v1", "https://www.smtpeter.com/v1/."],
    "https://": ["ftp://127.0.0.1/v1", "//www.smtpeter.com/v1", "https://:443/v1"],
    "empty; give a URL, or unset SMTPETER_API_URL": [""],
    "white space": ["https://www.smtpeter.com/v1\n", "https://www.smtp\teter.com/v1", "https://www.smtpeter.com/v1\x00"],
    "ASCII": ["https://www.smtpéter.com/v1", "http://127。0。0。1/v1"],
}  # fmt: skip


@pytest.mark.parametrize(("url", "reason"), [(url, reason) for reason, urls in URLS.items() for url in urls])
def test_urls_that_are_refused(url, reason):
    """A URL that might send the token in the clear, or elsewhere, is refused by the option's name."""
    with pytest.raises(OptionError, match=f"^api_url: .*({reason})") as caught:
        Connection(TOKEN, url)
    assert caught.value.option == "api_url"


def test_urls_that_are_accepted():
    """https goes anywhere, http to loopback addresses as written; only the former may use a proxy."""
    for url in ("HTTPS://WWW.SMTPETER.COM/v1/", "https://127.0.0.1.evil.test:8443/a/b.c/v1"):
        assert not Connection(TOKEN, url).is_loopback
    for host in ("LocalHost:8080", "127.255.255.254", "[::1]:8080", "[0:0:0:0:0:0:0:1]"):
        assert Connection(TOKEN, f"http://{host}/v1").is_loopback
        assert Connection(TOKEN, f"https://{host}/v1/").is_loopback


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("api_token", bad) for bad in ("", "1234567", "a good token", "a-good-token\u2028", "a-good\0token")),
        *(("api_token", "a-good\ud800token"), ("endpoint", "send"), ("retries", -1), ("retries", 101)),
        *(("timeout", bad) for bad in (0, float("nan"), 3601)),
    ],
)
def test_options_that_are_refused(option, value):
    """Whatever cannot work is refused by its name, without the token, though only the task's host may know that one."""
    for token in (TOKEN, None):
        with pytest.raises(OptionError, match=f"^{option}(: | is not set: )") as caught:
            options.check_connection({"api_token": token, option: value})
        assert caught.value.option == option
        assert (value if option == "api_token" and value else TOKEN) not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("", "empty"), ("\u3000\u2003", "empty"), (".", "dot segment"), ("..", "dot segment"), (" a", "white space"),
        ("a\xa0b", "white space"), ("a;b", "semicolon"), ("a\x1b[31mb", "control character"), ("a\ud800b", "Unicode"),
        ("a\x80b", "control character"), ("x" * (TAG_LIMIT + 1), "1001 characters"),
        *((tag, "the api_token") for tag in (f"x{TOKEN}y", f"{TOKEN} 1", f"\0{TOKEN}", TOKEN + "x" * TAG_LIMIT)),
    ],
    ids=ascii,
)  # fmt: skip
def test_tags_that_are_refused(tag, reason):
    """What cannot be a tag is refused with the reason, in a short, printable line that is silent of the token."""
    with pytest.raises(OptionError, match=reason) as caught:
        check_tag(tag, TOKEN)
    assert caught.value.option == "tags"
    assert_silent(caught.value, TOKEN)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
