<?php
// Managed by pairwise; local edits are lost.
// MySQL behind the pair's VIP, by TLS with the one certificate that is believed. While it is away
// one request in a while finds that out, and all others are told at once.
declare(strict_types=1);

namespace Pairwise;

final class Database
{
    /** Seconds for a connection; a VIP that is being moved answers nothing. */
    private const CONNECT_S = 2;
    /** Seconds for an answer: a row takes milliseconds, a disk whose peer is fenced stands still. All
     *  attempts together take less than nginx and php-fpm wait (10 s). */
    private const ANSWER_S = 3;
    /** Seconds within which a connection that breaks leaves time for another one. */
    private const EARLY_S = 1;
    /** Seconds for which a server that failed is left alone, by all processes of this machine. */
    private const AWAY_S = 2;
    /** Microseconds before the second attempt. */
    private const PAUSE_US = 200_000;
    private const AWAY = '/run/pairwise-app/away-database';

    private ?\PDO $connection = null;

    /** @param array{address: string, port: int, name: string, user: string, password: string, certificate: string} $place */
    public function __construct(#[\SensitiveParameter] private readonly array $place)
    {
    }

    public function address(): string
    {
        return $this->place['address'];
    }

    /** Find out whether it is there, before anything is done that needs it later. */
    public function reach(): void
    {
        $this->connection();
    }

    /**
     * Rows of a question; asked once more when the connection broke at once.
     *
     * @return list<array<string, mixed>>
     */
    public function read(string $question): array
    {
        $connection = $this->connection();
        $begun = microtime(true);
        try {
            return $connection->query($question)->fetchAll(\PDO::FETCH_ASSOC);
        } catch (\PDOException $error) {
            if (microtime(true) - $begun > self::EARLY_S) {
                throw $this->failed($error, 'cannot be read');
            }
            error_log('MySQL, asked once more: ' . $error->getMessage());
        }
        $this->connection = null;
        try {
            return $this->connection()->query($question)->fetchAll(\PDO::FETCH_ASSOC);
        } catch (\PDOException $error) {
            throw $this->failed($error, 'cannot be read');
        }
    }

    /**
     * One statement; its row's id, once it is on the disk.
     *
     * Never sent twice: the first may have been kept when its answer was lost.
     *
     * @param array<string, mixed> $values
     */
    public function write(string $statement, array $values): int
    {
        $connection = $this->connection();
        try {
            $connection->prepare($statement)->execute($values);
            return (int) $connection->lastInsertId();
        } catch (\PDOException $error) {
            throw $this->failed($error, 'did not say that it keeps the row, which may be there or not');
        }
    }

    private function connection(): \PDO
    {
        if ($this->connection !== null) {
            return $this->connection;
        }
        if ($this->isAway()) {
            throw new Refusal(503, "The database at {$this->address()} did not answer a moment ago: try again.");
        }
        try {
            $this->connection = $this->connected();
        } catch (\PDOException $error) {
            error_log('MySQL, tried once more: ' . $error->getMessage());
            usleep(self::PAUSE_US);
            try {
                $this->connection = $this->connected();
            } catch (\PDOException $again) {
                throw $this->failed($again, 'lets nobody in');
            }
        }
        if (is_file(self::AWAY)) {
            @unlink(self::AWAY);
        }
        return $this->connection;
    }

    private function connected(): \PDO
    {
        ini_set('mysqlnd.net_read_timeout', (string) self::ANSWER_S);
        $place = $this->place;
        $at = "mysql:host={$place['address']};port={$place['port']};dbname={$place['name']};charset=utf8mb4";
        return new \PDO($at, $place['user'], $place['password'], [
            \PDO::ATTR_ERRMODE => \PDO::ERRMODE_EXCEPTION,
            \PDO::ATTR_TIMEOUT => self::CONNECT_S,
            \Pdo\Mysql::ATTR_SSL_CA => $place['certificate'],
            \Pdo\Mysql::ATTR_SSL_VERIFY_SERVER_CERT => true,
        ]);
    }

    private function failed(\PDOException $error, string $what): Refusal
    {
        // The message alone: a trace may hold what was written.
        error_log('MySQL: ' . $error->getMessage());
        touch(self::AWAY);
        $this->connection = null;
        return new Refusal(503, "The database at {$this->address()} $what: try again in a moment.");
    }

    /** When the time is over one request tries again; the mark keeps the others off meanwhile. */
    private function isAway(): bool
    {
        clearstatcache(true, self::AWAY);
        $since = is_file(self::AWAY) ? @filemtime(self::AWAY) : false;
        if ($since === false) {
            return false;
        }
        if (time() - $since < self::AWAY_S) {
            return true;
        }
        touch(self::AWAY);
        return false;
    }
}
