<?php
// Managed by pairwise; local edits are lost.
// Rows and uploads in files of this machine, until the data pair keeps them for all.
declare(strict_types=1);

namespace Pairwise;

const KEPT_IN = 'file';
const FOLDER = '/var/lib/pairwise-app';
const SHOWN_ROWS = 20;
const KEPT_ROWS = 1000;
const KEPT_UPLOADS = 20;
const MAX_TEXT = 1000;

/** @return list<array<string, mixed>> the last rows, oldest first */
function last_rows(): array
{
    return array_slice(kept_rows(), -SHOWN_ROWS);
}

/** @return list<array<string, mixed>> */
function kept_rows(): array
{
    $file = FOLDER . '/rows';
    $lines = is_file($file) ? file($file, FILE_IGNORE_NEW_LINES) : [];
    return array_map(fn (string $line) => json_decode($line, true, 8, JSON_THROW_ON_ERROR), $lines ?: []);
}

/** GET /app/rows */
function rows(): void
{
    answer(200, last_rows());
}

/** POST /app/rows */
function add_row(): void
{
    $text = $_POST['text'] ?? '';
    if (!is_string($text) || $text === '' || strlen($text) > MAX_TEXT || !preg_match('//u', $text)) {
        throw new Refusal(400, 'Field text is missing, no UTF-8, or longer than ' . MAX_TEXT . ' bytes.');
    }
    $lock = fopen(FOLDER . '/rows.lock', 'c');
    if ($lock === false || !flock($lock, LOCK_EX)) {
        throw new Refusal(500, 'The rows of ' . node() . ' cannot be locked: look at ' . FOLDER . '.');
    }
    $rows = kept_rows();
    $row = ['id' => (end($rows)['id'] ?? 0) + 1, 'text' => $text, 'node' => node(), 'kept_in' => KEPT_IN];
    $rows = array_slice([...$rows, $row], -KEPT_ROWS);
    $flags = JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR;
    $lines = array_map(fn (array $one) => json_encode($one, $flags) . "\n", $rows);
    // A reader sees the old file or the new one.
    if (file_put_contents(FOLDER . '/rows.new', $lines) === false || !rename(FOLDER . '/rows.new', FOLDER . '/rows')) {
        throw new Refusal(500, 'The row was not kept on ' . node() . ': its log says why.');
    }
    answer(201, $row);
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
    if (!move_uploaded_file($file['tmp_name'], FOLDER . "/uploads/$sha256")) {
        throw new Refusal(500, 'The file was not kept on ' . node() . ': its log says why.');
    }
    $kept = glob(FOLDER . '/uploads/*') ?: [];
    usort($kept, fn (string $one, string $other) => (int) @filemtime($other) <=> (int) @filemtime($one));
    foreach (array_slice($kept, KEPT_UPLOADS) as $old) {
        @unlink($old);
    }
    answer(201, [
        'name' => basename($file['name']),
        'bytes' => $file['size'],
        'sha256' => $sha256,
        'kept_in' => KEPT_IN,
    ]);
}
