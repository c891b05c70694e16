"""Many statements of one application behind its splitter, and which server executed each.

``PROGRAM`` runs on a machine of the application, as its user, with the application's own class and
its connections, whose prepared statements are emulated. A round is a write, a transaction that
reads what it has locked, plain reads, and a read that asks for the round's own write. Each row
holds the id of the server that took it.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, fields

from bootstrap.facts.mysql import CLIENT
from drills.workloads.mysql_append import CONFIG, CONNECTED
from drills.workloads.split_reads import APP, AS_USER

TABLE = "pairwise_drill_split"
"""The drill's own table."""
READS = 4
"""Plain reads of a round."""
STATEMENTS = READS + 6
"""Of a round: the write, its transaction of BEGIN, SELECT, INSERT, COMMIT, the plain reads, and the
read of one's own. Those with which the class finds out what to wait for are not counted."""
PROGRAM = (
    CONNECTED
    + """\
[, $config, $app, $table, $reads, $rounds, $source, $replica] = $argv;
require "$app/answer.php";
require "$app/database.php";
$place = (require $config)['database'];
$direct = connected($place);
$own = new Pairwise\\Database($place);
$plain = new Pairwise\\Database($place);
$told = ['writes' => 0, 'writes_on_source' => 0, 'locked' => 0, 'locked_on_source' => 0,
         'reads' => 0, 'reads_on_replica' => 0, 'own' => 0, 'stale' => 0];
for ($round = 0; $round < (int) $rounds; $round++) {
    $id = $own->write("INSERT INTO $table (server) VALUES (@@server_id)", []);
    $after = $own->written();
    $question = "SELECT server, (SELECT COUNT(*) FROM $table WHERE id = $id) AS there FROM $table"
        . " ORDER BY id LIMIT 1";
    $rows = $own->read($question, $after);
    $told['own']++;
    $told['stale'] += (int) !($rows && $rows[0]['there'] == 1);
    $direct->beginTransaction();
    $ask = $direct->prepare("SELECT @@server_id AS id FROM $table WHERE id = :id FOR UPDATE");
    $ask->execute(['id' => $id]);
    $told['locked']++;
    $told['locked_on_source'] += (int) ((string) $ask->fetchColumn() === $source);
    $direct->prepare("INSERT INTO $table (server) VALUES (@@server_id)")->execute();
    $direct->commit();
    for ($read = 0; $read < (int) $reads; $read++) {
        $rows = $plain->read("SELECT @@server_id AS id, COUNT(*) FROM $table WHERE id = $id");
        $told['reads']++;
        $told['reads_on_replica'] += (int) ((string) $rows[0]['id'] === $replica);
    }
}
$direct->beginTransaction();
$count = $direct->query("SELECT COUNT(*), SUM(server = $source) FROM $table");
[$told['writes'], $told['writes_on_source']] = array_map('intval', $count->fetch(PDO::FETCH_NUM));
echo json_encode($told), "\\n";
"""
)
"""PHP source; arguments: configuration, folder of the application, table, plain reads of a round,
rounds, server ids of source and replica."""


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What became of the statements."""

    writes: int
    """Rows."""
    writes_on_source: int
    """Those that the source took."""
    locked: int
    """Reads within a transaction."""
    locked_on_source: int
    """Those that the source answered."""
    reads: int
    """Plain reads."""
    reads_on_replica: int
    """Those that the replica answered."""
    own: int
    """Reads that asked for the row that was written before them."""
    stale: int
    """Those that did not see it."""

    def wrong(self, *, least: float) -> list[str]:
        """What is not as a splitter has to do it, in words; ``least``: share of plain reads."""
        found = []
        if not self.writes == self.writes_on_source > 0:
            found.append(f"{self.writes - self.writes_on_source} writes were not on the source")
        if not self.locked == self.locked_on_source > 0:
            found.append(f"{self.locked - self.locked_on_source} reads of transactions were not")
        if not self.reads_on_replica >= least * self.reads > 0:
            found.append(f"{self.reads_on_replica} of {self.reads} reads were on the replica")
        if self.stale or not self.own:
            found.append(f"{self.stale} of {self.own} reads did not see their own write")
        return found


def clear_command(database: str) -> str:
    """Shell text for the source that leaves an empty table."""
    table = f"{database}.{TABLE}"
    columns = "id BIGINT AUTO_INCREMENT PRIMARY KEY, server INT NOT NULL"
    statements = f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({columns})"
    return f"{CLIENT} -e {shlex.quote(statements)}"


def command(*, rounds: int, source: int, replica: int) -> str:
    """Shell text that does so many rounds on a web machine and prints what became of them."""
    given = [CONFIG, APP, TABLE, *map(str, (READS, rounds, source, replica))]
    return shlex.join([*AS_USER, "php", "-r", PROGRAM, "--", *given])


def understood(text: str) -> Mix:
    """What the program printed.

    Raises:
        ValueError: it did not get to its end.
    """
    told = json.loads(text.strip().splitlines()[-1] if text.strip() else "")
    return Mix(**{field.name: int(told[field.name]) for field in fields(Mix)})
