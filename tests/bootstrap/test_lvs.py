"""The kernel's virtual services as three programs print them, and the ways from one to another."""

from __future__ import annotations

from bootstrap.facts import lvs, proc_lvs
from bootstrap.operations.lvs import differences
from cli import status_lvs

SAVED = """\
#table
-A -t 10.75.1.200:80 -s wrr -p 300
-a -t 10.75.1.200:80 -r 10.75.1.21:80 -g -w 1
-a -t 10.75.1.200:80 -r 10.75.1.22:80 -g -w 0
-A -t 10.75.1.200:81 -s rr
""".splitlines()
"""``ipvsadm -Sn`` of ipvsadm 1.31."""

PROC = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A4B01C8:0050 wrr
  -> 0A4B0115:0050      Route   1      3          7
  -> 0A4B0116:0050      Route   0      0          0
TCP  0A4B01C8:0051 rr
""".splitlines()
"""/proc/net/ip_vs of kernel 6.12."""

LISTED = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.75.1.200:80 wrr persistent 300
  -> 10.75.1.21:80                Route   1      3          7
  -> 10.75.1.22:80                Route   0      0          0
TCP  10.75.1.200:81 rr
""".splitlines()
"""The same by ``ipvsadm -Ln``."""


def test_saved_table_is_understood() -> None:
    found = lvs.process(SAVED)
    assert found is not None
    web = found.services["-t 10.75.1.200:80"]
    assert web.options == ("-s", "wrr", "-p", "300")
    assert web.servers["10.75.1.22:80"] == lvs.SeenRealServer(forwarding="-g", weight=0)
    assert found.services["-t 10.75.1.200:81"].servers == {}


def test_kernel_without_a_table_is_none() -> None:
    assert lvs.process([]) is None
    assert lvs.script(False) == ""


def test_proc_and_listing_agree() -> None:
    table = proc_lvs.parse(PROC)
    assert table == {
        "10.75.1.200:80": {"10.75.1.21:80": 1, "10.75.1.22:80": 0},
        "10.75.1.200:81": {},
    }
    rows = status_lvs.parse(LISTED)
    weights = {key: row.weight for key, row in rows.items() if key[1]}
    assert weights == {
        (service, server): weight
        for service, servers in table.items()
        for server, weight in servers.items()
    }
    assert rows["10.75.1.200:80", "10.75.1.21:80"].active == 3


def test_every_table_leads_to_every_other() -> None:
    """What is printed by one way is what the other way begins with."""
    saved = lvs.process(SAVED)
    assert saved is not None
    there = differences(saved.services, {})
    assert there == [line for line in SAVED if line.startswith("-")]
    assert differences(saved.services, saved.services) == []
    assert differences({}, saved.services) == ["-D -t 10.75.1.200:80", "-D -t 10.75.1.200:81"]
