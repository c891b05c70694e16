<?php
// Managed by pairwise; local edits are lost.
// The page that a person sees.
declare(strict_types=1);

namespace Pairwise;

function text(mixed $value): string
{
    return htmlspecialchars((string) $value, ENT_QUOTES | ENT_SUBSTITUTE);
}

/** GET /app/ */
function page(): void
{
    $session = read_session();
    try {
        $items = array_map(fn (array $row) => "<li>{$row['id']}: " . text($row['text']) . '</li>', last_rows());
    } catch (Refusal $refusal) {
        // The rest of the page needs no rows.
        $items = ['<li>' . text($refusal->getMessage()) . '</li>'];
    }
    header('Content-Type: text/html; charset=utf-8');
    header('Cache-Control: no-store');
    $node = text(node());
    $visits = text($session['visits']);
    $list = implode("\n", $items);
    $places = text(places());
    echo <<<HTML
        <!doctype html>
        <html lang="en">
        <head><meta charset="utf-8"><title>$node</title></head>
        <body>
        <h1>$node</h1>
        <p>Visits in this session: $visits. <a href="/app/visit">One more</a></p>
        <p>$places</p>
        <ul>
        $list
        </ul>
        <form method="post" action="/app/rows"><input name="text"><button>Add a row</button></form>
        <form method="post" action="/app/upload" enctype="multipart/form-data">
        <input type="file" name="file"><button>Upload</button></form>
        </body>
        </html>

        HTML;
}
