"""Steady state: what `make lab` promises."""

from __future__ import annotations

import json
import urllib.request

import pytest

from drills.running import LiveStack
from tests.live.observed import served_by, transitions, watching

pytestmark = pytest.mark.calm

MIN_SHARE = 0.2
"""ip_hash looks at three octets: with two dozen networks each machine gets at least a fifth."""


def test_status_is_healthy_and_complete(six: LiveStack) -> None:
    status = six.status()
    assert (status["stack"], status["healthy"], status["problems"]) == ("six", True, [])
    assert {node["name"] for node in status["nodes"] if node["reachable"]} == set(six.plan.nodes)
    balancers = next(pair for pair in status["pairs"] if pair["name"] == "lb")
    active = {group["name"]: group["active"] for group in balancers["groups"]}
    assert active == {"www1": "lb1", "www2": "lb2"}


def test_every_block_verifies(six: LiveStack) -> None:
    answer = json.loads(six.pairwise("verify", "six", "--json", check=False).stdout)
    failed = [
        f"{node['name']}: {check['name']}: {check['output']}"
        for node in answer["nodes"]
        for check in node["checks"]
        if not check["ok"]
    ]
    assert not failed
    assert [node["error"] for node in answer["nodes"]] == [""] * len(six.plan.nodes)


@pytest.mark.parametrize("vip", ["10.71.1.201", "10.71.1.202"])
def test_each_vip_serves_through_both_web_machines(
    six: LiveStack, clients: list[str], vip: str
) -> None:
    served = served_by(six, clients, vip)
    assert set(served) == {"web1", "web2"}
    assert min(served.values()) >= MIN_SHARE * len(clients), served


def test_service_name_resolves_to_both_vips(six: LiveStack) -> None:
    answer = six.exec("web1", "getent ahostsv4 www.six.lab")
    addresses = {line.split()[0] for line in answer.splitlines()}
    assert addresses == {"10.71.1.201", "10.71.1.202"}


def test_status_page_is_not_reachable_from_outside(six: LiveStack) -> None:
    for vip in ("10.71.1.201", "10.71.1.202"):
        for path in (":8080/", ":8080/healthz", "/nginx_status"):
            seen = six.inside(
                "sh", "-c",
                f"curl --silent --max-time 3 http://{vip}{path} | grep -c 'Active connections' ; :",
            )  # fmt: skip
            assert seen.strip() in ("", "0")


def test_one_holder_of_each_vip_and_no_transition_in_steady_state(six: LiveStack) -> None:
    before = transitions(six)
    with watching(six) as watch:
        watch.arp.wait_for_more(150, timeout_s=60)
    watch.assert_nothing_moved()
    assert {vip: set(seen) for vip, seen in watch.vip_holders().items()} == {
        "10.71.1.201": {("lb1",)},
        "10.71.1.202": {("lb2",)},
    }
    assert all(set(counts) == {200} for counts in watch.statuses().values()), watch.statuses()
    assert transitions(six) == before


def test_site_opens_on_loopback(six: LiveStack) -> None:
    status = json.loads(six.pairwise("status", "six", "--json").stdout)
    url = status.get("url", "")
    assert url.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.status == 200
