<?php
// Managed by pairwise; local edits are lost.
// Sessions in memcached, a copy on every server: written to all, read from whichever has the
// newest. bootstrap/blocks/php_web/deploy.py says why php-memcached's own handler does not do.
declare(strict_types=1);

namespace Pairwise;

final class Copies implements \SessionHandlerInterface
{
    /** Milliseconds for a connection, and again for an answer. */
    private const PATIENCE_MS = 400;
    /** Seconds for which a server that failed is left alone, by all processes of this machine. */
    private const AWAY_S = 5;
    /** Requests of one session go one after the other; sessions share so many locks. */
    private const LOCKS = 64;
    private const FOLDER = '/run/pairwise-app';

    private int $version = 0;
    /** @var resource|null */
    private $lock = null;
    /** @var array<string, \Memcached> */
    private array $connections = [];

    /** @param list<string> $servers addresses with ports */
    public function __construct(private readonly array $servers, private readonly int $lifetime_s)
    {
    }

    public function open(string $path, string $name): bool
    {
        return true;
    }

    public function close(): bool
    {
        $this->lock = null;
        return true;
    }

    /** The newest copy; servers that answer and have an older one or none get it at once. */
    public function read(string $id): string
    {
        $this->lock = fopen(self::FOLDER . '/lock-' . crc32($id) % self::LOCKS, 'c') ?: null;
        if ($this->lock !== null) {
            flock($this->lock, LOCK_EX);
        }
        $found = $this->ask(function (\Memcached $server) use ($id): ?string {
            $copy = $server->get("session:$id");
            if ($copy !== false) {
                return (string) $copy;
            }
            return $server->getResultCode() === \Memcached::RES_NOTFOUND ? '' : null;
        });
        if ($found === []) {
            throw new Refusal(503, 'No session server answers ' . node() . ': try again in a moment.');
        }
        $newest = '';
        foreach ($found as $copy) {
            $newest = (int) $copy > (int) $newest ? $copy : $newest;
        }
        $this->version = (int) $newest;
        foreach ($found as $address => $copy) {
            if ((int) $copy < $this->version) {
                $this->put($id, $newest, [$address]);
            }
        }
        return $newest === '' ? '' : explode("\n", $newest, 2)[1];
    }

    /** To every server; one that takes it is enough. */
    public function write(string $id, string $data): bool
    {
        $copy = ++$this->version . "\n" . $data;
        if ($this->put($id, $copy, $this->servers) === []) {
            throw new Refusal(503, 'No session server takes a session of ' . node() . ': try again.');
        }
        return true;
    }

    public function destroy(string $id): bool
    {
        $this->ask(fn (\Memcached $server) => $server->delete("session:$id") ? true : null);
        return true;
    }

    /** memcached forgets by itself. */
    public function gc(int $max_lifetime): int
    {
        return 0;
    }

    /** @return array<string, bool> server -> whether it answers right now */
    public function health(): array
    {
        $states = [];
        foreach ($this->servers as $address) {
            $states[$address] = $this->connection($address)->getVersion() !== false;
        }
        return $states;
    }

    /** @param list<string> $servers */
    private function put(string $id, string $copy, array $servers): array
    {
        $store = fn (\Memcached $server) => $server->set("session:$id", $copy, $this->lifetime_s) ?: null;
        return $this->ask($store, $servers);
    }

    /**
     * What each server answers; one that fails is marked and left alone for a while.
     *
     * @param callable(\Memcached): mixed $question null means that it failed
     * @param list<string>|null $servers
     * @return array<string, mixed>
     */
    private function ask(callable $question, ?array $servers = null): array
    {
        $answers = [];
        $here = array_filter($servers ?? $this->servers, fn (string $one) => !$this->isAway($one));
        // With every one away there is nothing to lose by trying: one may be back.
        foreach ($here ?: ($servers ?? $this->servers) as $address) {
            $answer = $question($this->connection($address));
            if ($answer === null) {
                touch($this->mark($address));
            } else {
                $answers[$address] = $answer;
                if (is_file($this->mark($address))) {
                    unlink($this->mark($address));
                }
            }
        }
        return $answers;
    }

    /** When the time is over one request tries again; the mark keeps the others off meanwhile. */
    private function isAway(string $address): bool
    {
        $mark = $this->mark($address);
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

    private function mark(string $address): string
    {
        return self::FOLDER . "/away-$address";
    }

    private function connection(string $address): \Memcached
    {
        if (!isset($this->connections[$address])) {
            [$host, $port] = explode(':', $address);
            $server = new \Memcached();
            $server->setOptions([
                \Memcached::OPT_NO_BLOCK => true,
                \Memcached::OPT_TCP_NODELAY => true,
                \Memcached::OPT_COMPRESSION => false,
                \Memcached::OPT_CONNECT_TIMEOUT => self::PATIENCE_MS,
                \Memcached::OPT_POLL_TIMEOUT => self::PATIENCE_MS,
                \Memcached::OPT_SEND_TIMEOUT => self::PATIENCE_MS * 1000,
                \Memcached::OPT_RECV_TIMEOUT => self::PATIENCE_MS * 1000,
            ]);
            $server->addServer($host, (int) $port);
            $this->connections[$address] = $server;
        }
        return $this->connections[$address];
    }
}
