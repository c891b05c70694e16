"""Facts read what the tools print."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bootstrap.facts import files, node, packages, sysctl, units, users
from bootstrap.managed import Manifest, Unit
from bootstrap.operations.vrrp import eased

SHOW = """LoadState=loaded
ActiveState=active
UnitFileState=enabled
ExecMainStartTimestamp=@1795230000
ActiveEnterTimestamp=@1795230001
NeedDaemonReload=no

LoadState=not-found
ActiveState=inactive
UnitFileState=
ExecMainStartTimestamp=
ActiveEnterTimestamp=
NeedDaemonReload=no
"""
"""systemd 257: systemctl show --timestamp=unix."""


def test_units_in_the_order_asked() -> None:
    found = units.process(SHOW.splitlines(), ["a.service", "b.service"])
    assert found["a.service"].started == 1795230001
    assert found["a.service"].boot == "enabled"
    assert found["b.service"] == units.SeenUnit(load="not-found", boot="", active="inactive")


def test_stamps() -> None:
    lines = ["/run/pairwise/nginx.service.loaded 12", "stat: cannot statx '/run/pairwise/*'"]
    assert units.process_stamps(lines) == {"nginx.service": 12}


def test_files_links_and_missing_ones(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content\n")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("/nowhere")
    paths = [str(tmp_path / name) for name in ("file", "link", "missing")]
    done = subprocess.run(
        ["sh", "-c", f"exec 2>/dev/null; {files.script(paths)}"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = files.process(done.stdout.splitlines())
    assert sorted(found) == paths[:2]
    assert found[paths[0]].content == b"content\n"
    assert found[paths[0]].mode == 0o640
    assert found[paths[1]].target == "/nowhere"


def test_packages_that_are_only_configured_are_not_installed() -> None:
    assert packages.process(["ii  nginx", "rc  ufw", "un  apache2", "hi  curl"]) == {
        "nginx",
        "curl",
    }


def test_sysctls() -> None:
    lines = ["/proc/sys/net/ipv4/ip_local_port_range:32768\t60999"]
    assert sysctl.process(lines) == {"net.ipv4.ip_local_port_range": "32768 60999"}


def test_login_users() -> None:
    lines = ["root:x:0:0:root:/root:/bin/bash", "eve:x:1000:1000::/home/eve:/bin/sh", "broken"]
    found = users.process([*lines, "toor:x:0:0::/root:/bin/sh", "nobody:x:65534:65534:::/x"])
    logins = [name for name, user in found.items() if users.is_login(name, user)]
    assert logins == ["eve", "toor"]


def test_sections_of_one_round_trip() -> None:
    wanted = Manifest(block="b", sysctls={"kernel.panic": "10"}, units=(Unit(name="a.service"),))
    assert "#pairwise:sysctls" in node.script(wanted)
    output = ["#pairwise:units", *SHOW.splitlines()[:6], "", "#stamps", "#pairwise:sysctls"]
    seen = node.process([*output, "/proc/sys/kernel/panic:10"], unit_names=["a.service"])
    assert seen.unit("a.service").active == "active"
    assert seen.sysctls == {"kernel.panic": "10"}


def test_ruleset_and_its_normal_form() -> None:
    output = ["#pairwise:ruleset", "table a", "", "#expected", "table b"]
    seen = node.process(output, unit_names=[])
    assert (seen.ruleset, seen.expected_ruleset) == (("table a",), ("table b",))


def _config(one: str, two: str) -> str:
    return "".join(
        f"vrrp_instance {name} {{\n    priority 1\n    advert_int {interval}\n}}\n"
        for name, interval in (("www1", one), ("www2", two))
    )


def test_a_longer_interval_needs_no_step_between() -> None:
    assert eased(_config("3", "3"), _config("1", "1"), held=frozenset({"www1"})) is None


def test_a_backup_keeps_the_old_interval_until_the_active_has_the_shorter() -> None:
    found = eased(_config("0.2", "0.2"), _config("1", "1"), held=frozenset({"www1"}))
    assert found == _config("0.2", "1")


def test_a_new_instance_is_taken_as_planned() -> None:
    old = "vrrp_instance www1 {\n    advert_int 1\n}\n"
    assert eased(_config("0.2", "0.2"), old, held=frozenset()) == _config("1", "0.2")
