"""Reads as an application behind a splitter does: by its own class, a connection for each.

``PROGRAM`` runs on a machine of the application, as its user. Each answer says which server gave
it; a read that the class gave up has ``failed``.
"""

from __future__ import annotations

import shlex

from drills.workloads.mysql_append import CONFIG

APP = "/var/www/pairwise-app"
"""The sample application, on each web machine (block php_web)."""
EVERY_S = 0.5
"""A new connection each time: its TLS costs an emulated machine a tenth of a second."""
AS_USER = ("setpriv", "--reuid", "www-data", "--regid", "www-data", "--clear-groups")
"""Puts the rest of a command line among the application's own processes."""
PROGRAM = """\
[, $config, $app, $every] = $argv;
require "$app/answer.php";
require "$app/database.php";
$place = (require $config)['database'];
function say(int $id, string $event, array $more = []): void {
    echo json_encode(['id' => $id, 'event' => $event, ...$more]), "\\n";
}
$due = microtime(true);
for ($id = 1; ; $id++) {
    say($id, 'invoked');
    try {
        $rows = (new Pairwise\\Database($place))->read('SELECT @@server_id AS id');
        say($id, 'ok', ['server' => (string) $rows[0]['id']]);
    } catch (Pairwise\\Refusal | PDOException $error) {
        say($id, 'failed', ['error' => $error->getMessage()]);
    }
    $due = max($due + (float) $every, microtime(true));
    usleep((int) max(0, ($due - microtime(true)) * 1e6));
}
"""
"""PHP source; arguments: configuration, folder of the application, seconds between two reads."""


def command() -> str:
    """Shell text that reads on a web machine, until its connection ends."""
    return shlex.join([*AS_USER, "php", "-r", PROGRAM, "--", CONFIG, APP, str(EVERY_S)])
