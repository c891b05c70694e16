<?php
// Managed by pairwise; local edits are lost.
// The session of a client: counted visits, and the machine that served the first.
declare(strict_types=1);

namespace Pairwise;

const COOKIE = 'PAIRWISE_SESSION';
const LIFETIME_S = 1440;

function copies(): Copies
{
    return new Copies(explode(' ', (string) getenv('PAIRWISE_SESSIONS')), LIFETIME_S);
}

/** GET /app/visit: one more. */
function visit(): void
{
    start([]);
    $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
    $_SESSION['first_node'] ??= node();
    session_write_close();
    answer(200, seen((string) session_id()));
}

/** GET /app/session: what is there. */
function session(): void
{
    answer(200, read_session());
}

/** GET /app/health: whether each session server answers this machine. */
function health(): void
{
    answer(200, ['node' => node(), 'sessions' => copies()->health()]);
}

/** @return array<string, mixed> the session without a further visit; none is started */
function read_session(): array
{
    $_SESSION = [];
    $id = (string) ($_COOKIE[COOKIE] ?? '');
    if (is_session_id($id)) {
        start(['read_and_close' => true]);
    }
    return seen($id);
}

/** @param array<string, mixed> $options */
function start(array $options): void
{
    if (!is_session_id((string) ($_COOKIE[COOKIE] ?? ''))) {
        unset($_COOKIE[COOKIE]);
    }
    session_set_save_handler(copies(), false);
    session_start($options + [
        'name' => COOKIE,
        'cookie_httponly' => true,
        'cookie_samesite' => 'Lax',
        'cache_limiter' => '',
    ]);
}

/** Whether a text can be one of our ids: it becomes part of a key of memcached. */
function is_session_id(string $id): bool
{
    return preg_match('/^[A-Za-z0-9,-]{22,128}$/D', $id) === 1;
}

/** @return array<string, mixed> */
function seen(string $id): array
{
    return [
        'node' => node(),
        'session' => $id,
        'first_node' => $_SESSION['first_node'] ?? null,
        'visits' => $_SESSION['visits'] ?? 0,
        'client' => $_SERVER['REMOTE_ADDR'],
    ];
}
