<?php
// Managed by pairwise; local edits are lost.
// The sample application: every request to /app/ comes here. The files are the same on all web
// machines; what differs (a machine's name, the session servers) is in php-fpm's environment, and
// where rows and uploads go is in /etc/pairwise/app.php.
declare(strict_types=1);

namespace Pairwise;

require __DIR__ . '/answer.php';
require __DIR__ . '/copies.php';
require __DIR__ . '/session.php';
require __DIR__ . '/database.php';
require __DIR__ . '/share.php';
require __DIR__ . '/store.php';
require __DIR__ . '/page.php';

$method = $_SERVER['REQUEST_METHOD'] === 'HEAD' ? 'GET' : $_SERVER['REQUEST_METHOD'];
$path = (string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$routes = [
    '/app/' => ['GET' => page(...)],
    '/app/visit' => ['GET' => visit(...)],
    '/app/session' => ['GET' => session(...)],
    '/app/rows' => ['GET' => rows(...), 'POST' => add_row(...)],
    '/app/upload' => ['POST' => upload(...)],
    '/app/health' => ['GET' => health(...)],
];
try {
    if (!isset($routes[$path])) {
        throw new Refusal(404, "There is no page $path: /app/ shows what there is.");
    }
    if (!isset($routes[$path][$method])) {
        $known = implode(' or ', array_keys($routes[$path]));
        throw new Refusal(405, "$path does not take $method: use $known.");
    }
    $routes[$path][$method]();
} catch (Refusal $refusal) {
    answer($refusal->getCode(), ['error' => $refusal->getMessage()]);
} catch (\Throwable $error) {
    error_log((string) $error);
    answer(500, ['error' => 'The page failed on ' . node() . ': its log says why.']);
}
