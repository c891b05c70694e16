"""Runs inside the golden image's root tree: data1's mysqld, web1's nginx and php-fpm, faults.

Standard library only; prints one JSON document. Both machines share one network here; a route makes
what web1 sends to the VIP come from web1's address, as it does on the wire. A plain folder stands
for the share, and a helper that only sleeps for one that is away.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.golden.checkers import web_in_root as web

VIP = "10.71.1.211"
MOUNT, SHARE = "/srv/mysql", "/srv/files"
HOOK = "/usr/local/lib/pairwise/first-data.d/mysql"
CA = Path("/etc/pairwise/mysql-ca.pem")
CERTIFICATE, KEY = Path("/etc/pairwise/mysql/cert.pem"), Path("/etc/pairwise/mysql/key.pem")
RELOAD = "ALTER INSTANCE RELOAD TLS;"
SETTINGS = Path("/etc/pairwise/app.php")
FORM = "application/x-www-form-urlencoded"
GIVEN = json.loads(Path("/data-tier.json").read_text(encoding="utf-8"))
"""Owners and modes of the files, the fact's text, an operation's command, the secret values."""


def shell(text: str, stdin: str = "") -> tuple[int, str]:
    done = subprocess.run(
        ["sh", "-c", text], input=stdin, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def client(*options: str, password: str) -> int:
    """Exit code of a login by MySQL's own client, from web1's address."""
    argv = ["mysql", "--no-defaults", f"--host={VIP}", "--user=site", *options, "-e", "SELECT 1"]
    environment = {**os.environ, "MYSQL_PWD": password}
    return subprocess.run(argv, env=environment, capture_output=True, check=False).returncode


def mysqld() -> subprocess.Popen[bytes]:
    # As systemd does before it starts the unit.
    for folder in ("/run/mysqld", "/var/cache/pairwise-mysql"):
        Path(folder).mkdir(exist_ok=True)
        shutil.chown(folder, "mysql", "mysql")
    started = subprocess.Popen(["mysqld", "--user=mysql"])
    web.wait_for_port(VIP, 3306)
    return started


def timed(method: str, path: str, body: bytes = b"") -> tuple[int, Any, str, float]:
    """Status, body, Retry-After, seconds."""
    connection = http.client.HTTPConnection(web.WEB1, 80, timeout=30, source_address=(web.LB1, 0))
    begun = time.monotonic()
    headers = {"Host": "www.six.lab"} | ({"Content-Type": FORM} if body else {})
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    took = round(time.monotonic() - begun, 3)
    value = json.loads(text) if text[:1] in "[{" else text
    return answer.status, value, answer.getheader("Retry-After") or "", took


def add(text: str) -> tuple[int, Any, str, float]:
    return timed("POST", "/app/rows", f"text={text}".encode())


def until_back() -> None:
    """Until a row is taken again: the mark of a server that failed lasts two seconds."""
    deadline = time.monotonic() + web.DEADLINE_S
    while add("back")[0] != 201:
        if time.monotonic() > deadline:
            raise TimeoutError("the application does not find its database again")


def first_data() -> Iterator[tuple[str, Any]]:
    Path(MOUNT).mkdir(parents=True)
    begun = time.monotonic()
    code, text = shell(f"{HOOK} {MOUNT}")
    yield "first data", [code, text, sorted(p.name for p in Path(MOUNT).iterdir())]
    yield "first data: seconds", round(time.monotonic() - begun, 2)
    yield "first data: left in /run", [p.name for p in Path("/run").glob("pairwise-mysql-*")]
    code, text = shell(f"{HOOK} {MOUNT}")
    yield "first data again", [code, text]
    statements = Path("/etc/pairwise/mysql/first.sql")
    good = statements.read_text(encoding="utf-8")
    statements.write_text(good.replace("IDENTIFIED WITH caching", "IDENTIFIED AS WITH caching"))
    Path("/other").mkdir()
    code, text = shell(f"{HOOK} /other")
    yield "first data, broken", [code, text]
    statements.write_text(good)


def rows() -> Iterator[tuple[str, Any]]:
    yield "facts at first", shell(GIVEN["fact"])[1]
    yield "row", add("one+%3Cb%3E")[:2]
    yield "rows", timed("GET", "/app/rows")[:2]
    yield "page", timed("GET", "/app/")[1]
    yield "upload", [web.upload(8 * 2**20), web.upload(8 * 2**20 + 1)]
    yield "kept", [[p.name, p.stat().st_size] for p in Path(SHARE).glob("uploads/*")]
    yield "left behind", [p.name for p in Path(SHARE).glob("uploads/.*")]
    yield "tables", shell(GIVEN["ask"], "SELECT bytes, node, sha256 FROM site.uploads;")[1].split()
    yield "by TLS", client(f"--ssl-ca={CA}", "--ssl-mode=VERIFY_CA", password=GIVEN["password"])
    yield "without TLS", client("--ssl-mode=DISABLED", password=GIVEN["password"])
    yield "without password", client(password="")
    yield "checks", {check: shell(check)[0] for check in GIVEN["checks"]}


def accounts() -> Iterator[tuple[str, Any]]:
    yield "change", shell(*GIVEN["change"])
    yield "facts after change", shell(GIVEN["fact"])[1]
    yield "row with the old password", add("two")[0]
    text = SETTINGS.read_text(encoding="utf-8").replace(GIVEN["password"], GIVEN["new_password"])
    SETTINGS.write_text(text, encoding="utf-8")
    until_back()
    yield "repair", [shell(*step) for step in GIVEN["repair"]]
    yield "facts after repair", shell(GIVEN["fact"])[1]


def another_name() -> list[Any]:
    """The server shows a certificate that the client pins, but that names another address."""
    kept = {path: path.read_text(encoding="utf-8") for path in (CA, CERTIFICATE, KEY)}
    certificate, key = GIVEN["other_name"]
    for path in kept:
        path.write_text(key if path == KEY else certificate, encoding="utf-8")
    words = shell(GIVEN["ask"], RELOAD)[1]
    status, told, _, _ = add("seven")
    for path, text in kept.items():
        path.write_text(text, encoding="utf-8")
    shell(GIVEN["ask"], RELOAD)
    until_back()
    return [words, status, "lets nobody in" if "lets nobody in" in told["error"] else told]


def outages(server: subprocess.Popen[bytes]) -> Iterator[tuple[str, Any]]:
    good = CA.read_text(encoding="utf-8")
    CA.write_text(GIVEN["other_certificate"], encoding="utf-8")
    yield "another certificate", add("three")[:3]
    CA.write_text(good, encoding="utf-8")
    until_back()
    yield "another name", another_name()
    rule = f"ip daddr {VIP} tcp dport 3306 drop"
    web.run("nft", "add", "rule", "inet", "fault", "input", rule)
    yield "silent: first", add("four")[::3]
    yield "silent: second", add("five")[2:]
    yield "silent: read", timed("GET", "/app/rows")[::3]
    yield "silent: page", [timed("GET", "/app/")[0], "try again" in timed("GET", "/app/")[1]]
    yield "silent: upload", web.upload(1000)
    web.heal()
    until_back()
    server.kill()
    server.wait()
    yield "killed", add("six")[0]
    begun = time.monotonic()
    mysqld()
    until_back()
    yield "killed: seconds", round(time.monotonic() - begun, 2)
    texts = [row["text"] for row in timed("GET", "/app/rows")[1]]
    yield "killed: rows", [texts[0], "six" in texts, "four" in texts]


def share_away() -> Iterator[tuple[str, Any]]:
    shutil.chown(SHARE, "root", "root")
    shutil.move(f"{SHARE}/uploads", f"{SHARE}/moved")
    yield "share refuses", web.upload(1000)
    shutil.move(f"{SHARE}/moved", f"{SHARE}/uploads")
    dd = Path("/usr/bin/dd")
    shutil.move(dd, "/usr/bin/dd.good")
    dd.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    dd.chmod(0o755)
    with ThreadPoolExecutor(20) as pool:
        begun = time.monotonic()
        uploads = [pool.submit(web.upload, 1000) for _ in range(12)]
        pages = [timed("GET", "/app/session") for _ in range(10)]
        yield "share away: pages", [{p[0] for p in pages}, max(p[3] for p in pages)]
        yield "share away: uploads", {one.result() for one in uploads}
        yield "share away: longest", round(time.monotonic() - begun, 2)
    shutil.move("/usr/bin/dd.good", dd)
    yield "share back", web.upload(1000)


def main() -> None:
    for path, owner, group, mode in GIVEN["files"]:
        shutil.chown(path, owner, group)
        Path(path).chmod(mode)
    web.serve()
    web.run("ip", "address", "add", f"{VIP}/24", "dev", "lan")
    local = ("local", VIP, "dev", "lan", "src", web.WEB1, "table", "local")
    web.run("ip", "route", "replace", *local)
    web.run("install", "-d", "-o", "www-data", "-g", "www-data", SHARE)
    web.memcached(web.WEB1)
    found = dict(first_data())
    begun = time.monotonic()
    server = mysqld()
    found["start: seconds"] = round(time.monotonic() - begun, 2)
    for part in (rows(), accounts(), outages(server), share_away()):
        found |= dict(part)
    print("#found", json.dumps(found, default=sorted))


if __name__ == "__main__":
    main()
