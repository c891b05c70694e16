<?php
// Managed by pairwise; local edits are lost.
// MySQL behind the pair's VIP or this machine's splitter, by TLS with the one certificate that is
// believed, or by this machine's Router, which does that itself. While it is away one request in a
// while finds that out, and all others are told at once.
declare(strict_types=1);

namespace Pairwise;

final class Database
{
    /** Seconds for a connection; a VIP that is being moved answers nothing. */
    private const CONNECT_S = 2;
    /** Seconds for an answer: a row takes milliseconds, a disk whose peer is fenced stands still. All
     *  attempts together take less than nginx and php-fpm wait (10 s). */
    private const ANSWER_S = 3;
    /** Seconds from a read's begin within which a connection that breaks leaves time for another one
     *  (twice CONNECT_S, the pause and ANSWER_S): a splitter ends those to a frozen replica after two. */
    private const EARLY_S = 2.5;
    /** Seconds for which a server that failed is left alone, by all processes of this machine. */
    private const AWAY_S = 2;
    /** Microseconds before the second attempt. */
    private const PAUSE_US = 200_000;
    private const AWAY = '/run/pairwise-app/away-database';
    /** Seconds for which a reader waits until its server has what the reader wants to see. */
    private const CATCH_UP_S = 1;

    /** @var array<int, \PDO> by port */
    private array $connections = [];

    /** @param array{address: string, port: int, read_port: int, name: string, user: string, password: string, certificate: ?string} $place */
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
        $this->connection($this->place['port']);
    }

    /**
     * Rows of a question; asked once more when the connection broke early.
     *
     * @param string $after what `written()` said: the answer holds that write, or is the source's
     * @return list<array<string, mixed>>
     */
    public function read(string $question, string $after = ''): array
    {
        $begun = microtime(true);
        $port = $this->place['read_port'];
        if ($after !== '' && !$this->has($after)) {
            $port = $this->place['port'];
        }
        $connection = $this->connection($port);
        try {
            return $connection->query($question)->fetchAll(\PDO::FETCH_ASSOC);
        } catch (\PDOException $error) {
            if (microtime(true) - $begun > self::EARLY_S) {
                throw $this->failed($error, 'cannot be read', $port);
            }
            error_log('MySQL, asked once more: ' . $error->getMessage());
        }
        unset($this->connections[$port]);
        // Another server may answer now: only the source surely has the write.
        $port = $after === '' ? $port : $this->place['port'];
        try {
            return $this->connection($port)->query($question)->fetchAll(\PDO::FETCH_ASSOC);
        } catch (\PDOException $error) {
            throw $this->failed($error, 'cannot be read', $port);
        }
    }

    /** Whether the server that is read from has a write, or gets it in time. */
    private function has(string $after): bool
    {
        $port = $this->place['read_port'];
        try {
            $wait = $this->connection($port)->prepare('SELECT WAIT_FOR_EXECUTED_GTID_SET(:set, :wait)');
            $wait->execute(['set' => $after, 'wait' => self::CATCH_UP_S]);
            return (int) $wait->fetchColumn() === 0;
        } catch (\PDOException | Refusal $error) {
            error_log('MySQL, read from the source: ' . $error->getMessage());
            unset($this->connections[$port]);
            return false;
        }
    }

    /** What `read` is given so as to see all that was written here so far; empty: it sees it anyway. */
    public function written(): string
    {
        if ($this->place['port'] === $this->place['read_port']) {
            return '';
        }
        try {
            $set = $this->connection($this->place['port'])->query('SELECT @@GLOBAL.gtid_executed')->fetchColumn();
            return str_replace("\n", '', (string) $set);
        } catch (\PDOException $error) {
            // The row is kept: its answer does not wait for this.
            error_log('MySQL: ' . $error->getMessage());
            unset($this->connections[$this->place['port']]);
            return '';
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
        $port = $this->place['port'];
        $connection = $this->connection($port);
        try {
            $connection->prepare($statement)->execute($values);
            return (int) $connection->lastInsertId();
        } catch (\PDOException $error) {
            throw $this->failed($error, 'did not say that it keeps the row, which may be there or not', $port);
        }
    }

    private function connection(int $port): \PDO
    {
        if (isset($this->connections[$port])) {
            return $this->connections[$port];
        }
        if ($this->isAway($port)) {
            throw new Refusal(503, "The database at {$this->address()} did not answer a moment ago: try again.");
        }
        try {
            $connection = $this->connected($port);
        } catch (\PDOException $error) {
            error_log('MySQL, tried once more: ' . $error->getMessage());
            usleep(self::PAUSE_US);
            try {
                $connection = $this->connected($port);
            } catch (\PDOException $again) {
                throw $this->failed($again, 'lets nobody in', $port);
            }
        }
        if (is_file(self::AWAY . "-$port")) {
            @unlink(self::AWAY . "-$port");
        }
        return $this->connections[$port] = $connection;
    }

    private function connected(int $port): \PDO
    {
        ini_set('mysqlnd.net_read_timeout', (string) self::ANSWER_S);
        $place = $this->place;
        $at = "mysql:host={$place['address']};port=$port;dbname={$place['name']};charset=utf8mb4";
        // Without a certificate the server is this machine's Router, which verifies for us.
        $tls = $place['certificate'] === null ? [] : [
            \Pdo\Mysql::ATTR_SSL_CA => $place['certificate'],
            \Pdo\Mysql::ATTR_SSL_VERIFY_SERVER_CERT => true,
        ];
        return new \PDO($at, $place['user'], $place['password'], $tls + [
            \PDO::ATTR_ERRMODE => \PDO::ERRMODE_EXCEPTION,
            \PDO::ATTR_TIMEOUT => self::CONNECT_S,
        ]);
    }

    private function failed(\PDOException $error, string $what, int $port): Refusal
    {
        // The message alone: a trace may hold what was written.
        error_log('MySQL: ' . $error->getMessage());
        touch(self::AWAY . "-$port");
        unset($this->connections[$port]);
        return new Refusal(503, "The database at {$this->address()} $what: try again in a moment.");
    }

    /** When the time is over one request tries again; the mark keeps the others off meanwhile. */
    private function isAway(int $port): bool
    {
        $mark = self::AWAY . "-$port";
        clearstatcache(true, $mark);
        $since = is_file($mark) ? @filemtime($mark) : false;
        if ($since === false) {
            return false;
        }
        if (time() - $since < self::AWAY_S) {
            return true;
        }
        touch($mark);
        return false;
    }
}
