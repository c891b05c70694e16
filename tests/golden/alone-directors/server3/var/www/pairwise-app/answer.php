<?php
// Managed by pairwise; local edits are lost.
// Answers in JSON, and the request that is refused.
declare(strict_types=1);

namespace Pairwise;

/** A request that cannot be served: its code is the HTTP status, its message one sentence. */
final class Refusal extends \RuntimeException
{
    public function __construct(int $status, string $sentence)
    {
        parent::__construct($sentence, $status);
    }
}

/** Seconds after which a client that was sent away may come back; a take-over takes some of them. */
const RETRY_AFTER_S = 5;

function answer(int $status, mixed $value): void
{
    http_response_code($status);
    if ($status === 503) {
        header('Retry-After: ' . RETRY_AFTER_S);
    }
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    echo json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR), "\n";
}

/** Name of this web machine. */
function node(): string
{
    return (string) getenv('PAIRWISE_NODE');
}
