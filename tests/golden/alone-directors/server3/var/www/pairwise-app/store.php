<?php
// Managed by pairwise; local edits are lost.
// Rows and uploads: where a data pair keeps them for all, or in files of this machine. Without a share
// the database has the uploads too.
declare(strict_types=1);

namespace Pairwise;

const SETTINGS = '/etc/pairwise/app.php';
const FOLDER = '/var/lib/pairwise-app';
const SHOWN_ROWS = 20;
const KEPT_ROWS = 1000;
const KEPT_UPLOADS = 20;
const MAX_TEXT = 1000;
const MAX_NAME = 255;
/** Bytes of a file in one row: a statement holds them three times over, and PHP has 32 MB in all; and
 *  a busy emulated machine has them on both nodes within half a second, of three for an answer. */
const PART_BYTES = 128 * 1024;

/** @return array{database: ?array<string, mixed>, upload_folder: ?string} */
function settings(): array
{
    static $settings = null;
    return $settings ??= require SETTINGS;
}

function database(): ?Database
{
    static $database = null;
    $place = settings()['database'];
    return $place === null ? null : $database ??= new Database($place);
}

function share(): ?Share
{
    $folder = settings()['upload_folder'];
    return $folder === null ? null : new Share($folder);
}

/** Where rows and uploads go, in a sentence. */
function places(): string
{
    $rows = database() === null ? 'in a file of this machine' : 'in MySQL at ' . database()->address();
    $uploads = match (uploads_kept_in()) {
        'share' => 'on the share at ' . share()->folder,
        'database' => 'with them',
        'file' => 'in a folder of this machine',
    };
    return "Rows are kept $rows, uploads $uploads.";
}

function uploads_kept_in(): string
{
    return share() !== null ? 'share' : (database() !== null ? 'database' : 'file');
}

/** What a reader gives as `after`, to see its own write: a set of GTIDs. */
const GTID_SET = '/^[0-9a-fA-F:,_a-z-]{1,4000}$/D';

/** @return list<array<string, mixed>> the last rows, oldest first */
function last_rows(string $after = ''): array
{
    if (database() !== null) {
        $question = 'SELECT id, text, node FROM visits ORDER BY id DESC LIMIT ' . SHOWN_ROWS;
        $rows = array_reverse(database()->read($question, $after));
        return array_map(fn (array $row) => [...$row, 'kept_in' => 'database'], $rows);
    }
    return array_slice(kept_rows(), -SHOWN_ROWS);
}

/** @return list<array<string, mixed>> */
function kept_rows(): array
{
    $file = FOLDER . '/rows';
    $lines = is_file($file) ? file($file, FILE_IGNORE_NEW_LINES) : [];
    return array_map(fn (string $line) => json_decode($line, true, 8, JSON_THROW_ON_ERROR), $lines ?: []);
}

/** GET /app/rows, or /app/rows?after=... for those that hold one's own last row. */
function rows(): void
{
    $after = $_GET['after'] ?? '';
    if (!is_string($after) || ($after !== '' && preg_match(GTID_SET, $after) !== 1)) {
        throw new Refusal(400, 'Parameter after is not what the answer to a row said.');
    }
    answer(200, last_rows($after));
}

/** POST /app/rows */
function add_row(): void
{
    $text = $_POST['text'] ?? '';
    if (!is_string($text) || $text === '' || strlen($text) > MAX_TEXT || !preg_match('//u', $text)) {
        throw new Refusal(400, 'Field text is missing, no UTF-8, or longer than ' . MAX_TEXT . ' bytes.');
    }
    answer(201, database() === null ? row_in_file($text) : row_in_database(database(), $text));
}

/** @return array<string, mixed> */
function row_in_database(Database $database, string $text): array
{
    $statement = 'INSERT INTO visits (node, text) VALUES (:node, :text)';
    $id = $database->write($statement, ['node' => node(), 'text' => $text]);
    $row = ['id' => $id, 'text' => $text, 'node' => node(), 'kept_in' => 'database'];
    $after = $database->written();
    return $after === '' ? $row : [...$row, 'after' => $after];
}

/** @return array<string, mixed> */
function row_in_file(string $text): array
{
    $lock = fopen(FOLDER . '/rows.lock', 'c');
    if ($lock === false || !flock($lock, LOCK_EX)) {
        throw new Refusal(500, 'The rows of ' . node() . ' cannot be locked: look at ' . FOLDER . '.');
    }
    $rows = kept_rows();
    $row = ['id' => (end($rows)['id'] ?? 0) + 1, 'text' => $text, 'node' => node(), 'kept_in' => 'file'];
    $rows = array_slice([...$rows, $row], -KEPT_ROWS);
    $flags = JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR;
    $lines = array_map(fn (array $one) => json_encode($one, $flags) . "\n", $rows);
    // A reader sees the old file or the new one.
    if (file_put_contents(FOLDER . '/rows.new', $lines) === false || !rename(FOLDER . '/rows.new', FOLDER . '/rows')) {
        throw new Refusal(500, 'The row was not kept on ' . node() . ': its log says why.');
    }
    return $row;
}

/** POST /app/upload */
function upload(): void
{
    $file = $_FILES['file'] ?? null;
    $too_large = $file === null
        ? (int) ($_SERVER['CONTENT_LENGTH'] ?? 0) > ini_parse_quantity((string) ini_get('post_max_size'))
        : $file['error'] === UPLOAD_ERR_INI_SIZE;
    if ($too_large) {
        throw new Refusal(413, 'The file is larger than ' . ini_get('upload_max_filesize') . 'B.');
    }
    if ($file === null || is_array($file['error']) || $file['error'] !== UPLOAD_ERR_OK) {
        throw new Refusal(400, 'Field file holds no whole file: send it as multipart/form-data.');
    }
    $sha256 = (string) hash_file('sha256', $file['tmp_name']);
    $name = basename($file['name']);
    $name = preg_match('/^.{1,' . MAX_NAME . '}/us', $name, $first) === 1 ? $first[0] : $sha256;
    database()?->reach();
    match (uploads_kept_in()) {
        'share' => share()->keep($file['tmp_name'], $sha256),
        'database' => upload_in_database(database(), $file['tmp_name'], $sha256),
        'file' => upload_in_folder($file['tmp_name'], $sha256),
    };
    $told = ['name' => $name, 'bytes' => $file['size'], 'sha256' => $sha256];
    // The file first: a row never names one that is not there.
    if (database() !== null) {
        $statement = 'INSERT INTO uploads (node, name, bytes, sha256) VALUES (:node, :name, :bytes, :sha256)';
        $told['row'] = database()->write($statement, ['node' => node(), ...$told]);
    }
    answer(201, [...$told, 'kept_in' => uploads_kept_in()]);
}

/** A part that is there is what it would be: an upload that broke off is completed by its repeat. */
function upload_in_database(Database $database, string $path, string $sha256): void
{
    $statement = 'INSERT INTO contents (sha256, part, content) VALUES (:sha256, :part, FROM_BASE64(:content))'
        . ' ON DUPLICATE KEY UPDATE part = part';
    $bytes = (int) filesize($path);
    for ($part = 0; $part * PART_BYTES < $bytes; $part++) {
        $content = (string) file_get_contents($path, false, null, $part * PART_BYTES, PART_BYTES);
        $values = ['sha256' => $sha256, 'part' => $part, 'content' => base64_encode($content)];
        $database->write($statement, $values);
    }
}

function upload_in_folder(string $path, string $sha256): void
{
    if (!move_uploaded_file($path, FOLDER . "/uploads/$sha256")) {
        throw new Refusal(500, 'The file was not kept on ' . node() . ': its log says why.');
    }
    $kept = glob(FOLDER . '/uploads/*') ?: [];
    usort($kept, fn (string $one, string $other) => (int) @filemtime($other) <=> (int) @filemtime($one));
    foreach (array_slice($kept, KEPT_UPLOADS) as $old) {
        @unlink($old);
    }
}
