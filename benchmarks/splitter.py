"""What a splitter costs a statement: ``python -m benchmarks.splitter [STACK] [NODE]``, on a lab.

On a machine of the application, as its user: reads of one row and inserts of one, straight to the
servers and through HAProxy and Router, each way in turn, five times. Prints the machine, the date,
and for each way the median time of a statement, of a new session with one read, and the reads each
second of four sessions at once, each as a ratio to the straight way in the same round.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shlex
import statistics
import sys
from typing import Any

from bootstrap.shared import pairs
from drills.drill import splitters_of
from drills.evidence import this_machine
from drills.running import LiveStack
from drills.workloads import split_mix
from drills.workloads.mysql_append import CONFIG, CONNECTED
from drills.workloads.split_reads import AS_USER
from stacks.plan_gtid_types import GtidPlan, SplitPlan

ROUNDS = 5
ROUND_S = 30
"""Under emulation."""
STATEMENTS = 50
"""Of each kind, in each round."""
SESSIONS = 4
"""At once, for ``SECONDS``."""
SECONDS = 3.0
PROGRAM = (
    CONNECTED
    + """\
[, $config, $ways, $table, $statements, $sessions, $seconds] = $argv;
$own = (require $config)['database'];
function timed(callable $does): float {
    $begun = hrtime(true);
    $does();
    return (hrtime(true) - $begun) / 1e6;
}
function median(array $found): float {
    sort($found);
    return $found[intdiv(count($found), 2)];
}
function times(callable $does, int $count): float {
    return median(array_map(fn () => timed($does), range(1, $count)));
}
$told = [];
foreach (json_decode($ways, true) as $name => $way) {
    $place = $way['place'] + $own;
    $source = $way['write'] + $place;
    $replica = $way['read'] + $place;
    $read = fn (PDO $db) => $db->query("SELECT server FROM $table WHERE id = 1")->fetchAll();
    $write = fn (PDO $db) => $db->exec("INSERT INTO $table (server) VALUES (1)");
    [$one, $other] = [connected($source), connected($replica)];
    $write($one);
    $told[$name]['read'] = times(fn () => $read($other), (int) $statements);
    $told[$name]['write'] = times(fn () => $write($one), (int) $statements);
    $told[$name]['session'] = times(fn () => $read(connected($replica)), (int) $statements / 5);
    $pipes = [];
    for ($session = 0; $session < (int) $sessions; $session++) {
        $pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        if (pcntl_fork() === 0) {
            $db = connected($replica);
            $until = microtime(true) + (float) $seconds;
            for ($done = 0; microtime(true) < $until; $done++) {
                $read($db);
            }
            fwrite($pair[1], "$done\\n");
            // Nothing of the parent's is closed in its name.
            posix_kill(getmypid(), SIGKILL);
        }
        fclose($pair[1]);
        $pipes[] = $pair[0];
    }
    $read_by = fn ($pipe) => fgets($pipe) ?: throw new RuntimeException('a session ended early');
    $told[$name]['rate'] = array_sum(array_map($read_by, $pipes)) / (float) $seconds;
}
echo json_encode($told), "\\n";
"""
)
"""PHP source; arguments: configuration, ways as JSON, table, statements, sessions, seconds."""


def ways(gtid: GtidPlan, split: SplitPlan, *, source: str, replica: str) -> dict[str, Any]:
    """Name -> where to write and read, and what is believed there."""
    direct = {"certificate": pairs.MYSQL_CERTIFICATE}
    here = str(split.address)

    def at(address: str, port: int) -> dict[str, Any]:
        return {"address": address, "port": port}

    found = {
        "direct": {
            "place": direct,
            "write": at(str(gtid.addresses[source]), split.port),
            "read": at(str(gtid.addresses[replica]), split.port),
        },
        "HAProxy": {
            "place": direct,
            "write": at(here, split.write_port),
            "read": at(here, split.read_port),
        },
    }
    if split.router is not None:
        own = at(here, split.router.port)
        found["Router"] = {"place": {}, "write": own, "read": own}
    return found


def measured(stack: LiveStack, node: str) -> list[dict[str, dict[str, float]]]:
    """What the program told in each round."""
    split = stack.plan.nodes[node].split
    assert split is not None
    groups = [group for pair in stack.status()["pairs"] for group in pair["groups"]]
    group = next(group for group in groups if group["kind"] == "gtid")
    source, replica = group["active"], group["backup"]
    gtid = stack.plan.nodes[source].gtid
    assert gtid is not None
    stack.exec(source, split_mix.clear_command(gtid.mysql.database))
    given = json.dumps(ways(gtid, split, source=source, replica=replica))
    numbers = map(str, (STATEMENTS, SESSIONS, SECONDS))
    arguments = [CONFIG, given, split_mix.TABLE, *numbers]
    command = shlex.join([*AS_USER, "php", "-r", PROGRAM, "--", *arguments])
    found = []
    for number in range(1, ROUNDS + 1):
        print(f"round {number} of {ROUNDS}, about {ROUND_S} s", file=sys.stderr, flush=True)
        found.append(json.loads(stack.exec(node, command).strip()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stack", nargs="?", default="duo")
    parser.add_argument("node", nargs="?")
    given = parser.parse_args()
    stack = LiveStack(given.stack, "", "")
    node = given.node or splitters_of(stack.plan, next(iter(stack.plan.deploys)))[0]
    rounds = measured(stack, node)
    today = dt.datetime.now(tz=dt.UTC).date()
    print(f"{today}, {this_machine()}, {given.stack}/{node}")
    print("| way | a read, ms | a write, ms | session and read, ms | reads each second |")
    print("|---|---|---|---|---|")
    for way in rounds[0]:
        cells = []
        for kind in ("read", "write", "session", "rate"):
            value = statistics.median(found[way][kind] for found in rounds)
            ratio = statistics.median(f[way][kind] / f["direct"][kind] for f in rounds)
            cells.append(f"{value:.{0 if kind == 'rate' else 1}f} ({ratio:.2f} x)")
        print(f"| {way} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
