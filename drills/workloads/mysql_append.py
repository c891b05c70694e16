"""Inserts unique, increasing numbers through the pair's VIP, one statement per transaction.

``PROGRAM`` runs on a web machine, as its application does: PDO, by TLS with the one certificate
that is believed, the account from the application's own configuration, which never leaves the
machine. It connects anew after each error. A statement whose answer was lost is ``unknown`` and its
number is never used again; one that found no connection has ``failed``.

The table is made on the server by its local root, since the application's account may not.
"""

from __future__ import annotations

import shlex

from bootstrap.facts.mysql import CLIENT
from drills.workloads.recorder import EVERY_S, FRESH

CONFIG = "/etc/pairwise/app.php"
"""The application's configuration, on each web machine (block php_web)."""
TABLE = "pairwise_drill"
"""The drills' own table; the application's rows stay as they are."""
ANSWER_S = 5
"""A disk whose peer is being fenced answers late, and then it has kept the row: that takes less. To
a holder that is dead, its connection would go on sending for as long as the outage lasts, and once
more as long until its next attempt (tcp(7), tcp_retries2: each pause twice the one before)."""
CONNECTED = """\
function connected(array $place, array $options = []): PDO {
    $at = "mysql:host={$place['address']};port={$place['port']};dbname={$place['name']}";
    $tls = $place['certificate'] === null ? [] : [
        Pdo\\Mysql::ATTR_SSL_CA => $place['certificate'],
        Pdo\\Mysql::ATTR_SSL_VERIFY_SERVER_CERT => true,
    ];
    $options += [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION];
    return new PDO($at, $place['user'], $place['password'], $tls + $options);
}
"""
"""PHP source: a connection as the application makes it, where it writes."""
PROGRAM = (
    CONNECTED
    + """\
[, $config, $table, $every, $answer, $fresh] = $argv;
$place = (require $config)['database'];
ini_set('mysqlnd.net_read_timeout', $answer);
function say(int $id, string $event, string $error = '', array $more = []): void {
    echo json_encode(['id' => $id, 'event' => $event, 'error' => $error] + $more), "\\n";
}
$db = null;
$looks = 0;
$due = microtime(true);
for ($id = 1; ; $id++) {
    say($id, 'invoked');
    try {
        if ($db === null) {
            $db = connected($place, [PDO::ATTR_TIMEOUT => 2]);
            $looks = (int) $fresh;
        }
    } catch (PDOException $error) {
        say($id, 'failed', $error->getMessage());
        $db = null;
    }
    if ($db !== null) {
        try {
            $db->exec("INSERT INTO $table (id) VALUES ($id)");
            $count = "SELECT COUNT(*) FROM $table";
            $more = $looks-- > 0 ? ['rows' => (int) $db->query($count)->fetchColumn()] : [];
            say($id, 'ok', '', $more);
        } catch (PDOException $error) {
            say($id, 'unknown', $error->getMessage());
            $db = null;
        }
    }
    $due = max($due + (float) $every, microtime(true));
    usleep((int) max(0, ($due - microtime(true)) * 1e6));
}
"""
)
"""PHP source; arguments: configuration, table, seconds between two writes, seconds for an answer,
rows after a login that are written with a look at how many there are. Output is not buffered: the
command line's PHP flushes each echo (output_buffering is 0 there)."""


def clear_command(database: str) -> str:
    """Shell text for the active node that leaves an empty table."""
    table = f"{database}.{TABLE}"
    statements = f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (id BIGINT PRIMARY KEY)"
    return f"{CLIENT} -e {shlex.quote(statements)}"


def command() -> str:
    """Shell text that inserts from a web machine, until its connection ends."""
    arguments = [CONFIG, TABLE, str(EVERY_S), str(ANSWER_S), str(FRESH)]
    return shlex.join(["php", "-r", PROGRAM, "--", *arguments])


def read_command(database: str) -> str:
    """Shell text for the active node that prints the numbers that are there."""
    return f"{CLIENT} -e {shlex.quote(f'SELECT id FROM {database}.{TABLE} ORDER BY id')}"
