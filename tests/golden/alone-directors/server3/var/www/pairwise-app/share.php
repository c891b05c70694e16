<?php
// Managed by pairwise; local edits are lost.
// Uploads on the pair's share. Who touches a share that is away hangs until it is back: so a helper
// does it, which can be killed, and only some of this machine's processes wait for theirs at once.
// Pages go on by the others, and no balancer takes this machine for dead.
declare(strict_types=1);

namespace Pairwise;

final class Share
{
    /** Half of the processes (stacks.capacity, PHP_PROCESSES). */
    private const SLOTS = 4;
    /** Seconds that an upload waits for its turn. */
    private const WAIT_S = 0.5;
    /** Seconds for all of a file: with WAIT_S and a row less than nginx and php-fpm wait (10 s). */
    private const LIMIT_S = 6;
    /** Seconds after which a helper that is still at it hangs, probably. */
    private const HANGS_S = 3;
    private const STEP_US = 50_000;
    private const FOLDER = '/run/pairwise-app';
    /** The bytes are on the pair's disks before the file has its name. */
    private const KEEP = <<<'SH'
        mkdir -p "$3" && dd if="$1" of="$3/$2" bs=1M conv=fsync status=none && mv -fT "$3/$2" "$3/$4" ||
            { rm -f "$3/$2"; exit 1; }
        SH;

    public function __construct(public readonly string $folder)
    {
    }

    /** Keep a file under its hash; when this returns, its bytes are on the pair's disks. */
    public function keep(string $path, string $sha256): void
    {
        $slot = $this->slot();
        // Of this process alone, so that nobody renames what another one still writes.
        $part = ".$sha256." . node() . '.' . getmypid();
        $limited = ['timeout', '--signal=KILL', (string) self::LIMIT_S];
        $helper = proc_open(
            [...$limited, 'sh', '-c', self::KEEP, 'sh', $path, $part, $this->folder, $sha256],
            [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['pipe', 'w']],
            $pipes,
        );
        $words = $helper === false ? 'no helper' : trim((string) stream_get_contents($pipes[2]));
        $kept = $helper !== false && proc_close($helper) === 0;
        fclose($slot);
        if (!$kept) {
            error_log("The share at $this->folder: " . ($words !== '' ? $words : 'no answer in time'));
            throw new Refusal(503, "The share at $this->folder does not take the file: try again in a moment.");
        }
    }

    /**
     * A turn at the share, until it is closed or this process ends.
     *
     * @return resource
     */
    private function slot(): mixed
    {
        $until = microtime(true) + self::WAIT_S;
        do {
            $hang = 0;
            for ($number = 0; $number < self::SLOTS; $number++) {
                $path = self::FOLDER . "/share-$number";
                $slot = fopen($path, 'c');
                if ($slot !== false && flock($slot, LOCK_EX | LOCK_NB)) {
                    touch($path);
                    return $slot;
                }
                clearstatcache(true, $path);
                $hang += time() - (int) @filemtime($path) > self::HANGS_S ? 1 : 0;
            }
            usleep(self::STEP_US);
        } while ($hang < self::SLOTS && microtime(true) < $until);
        throw new Refusal(503, "The share at $this->folder is busy or away: try again in a moment.");
    }
}
