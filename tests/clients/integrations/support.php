<?php
// What the tests of both modules share: the server as it is, and faults on the way to it.

declare(strict_types=1);

[, $packed, $url, $through, $key] = $argv;
define('LINECARD_TIMEOUT_MS', 500);
date_default_timezone_set('UTC');
set_error_handler(static fn (int $level, string $text, string $file, int $line) => throw new ErrorException($text, 0, $level, $file, $line));

function check(bool $holds, string $what): void
{
    if (!$holds) {
        throw new RuntimeException("not as expected: $what");
    }
}

function same(mixed $is, mixed $wanted, string $what): void
{
    check($is === $wanted, "$what: is " . json_encode($is) . ', expected ' . json_encode($wanted));
}

/** Asks the server itself, past the proxy and the module. */
function api(string $call, array $fields = []): array
{
    $answer = ask($call, $fields);
    check($answer['result'] === true, "$call: " . ($answer['error'] ?? ''));
    return $answer;
}

function ask(string $call, array $fields = []): array
{
    global $url, $key;
    $context = stream_context_create(['http' => [
        'method' => 'POST', 'ignore_errors' => true, 'timeout' => 30,
        'header' => 'Content-Type: application/x-www-form-urlencoded', 'content' => http_build_query(['api_key' => $key] + $fields),
    ]]);
    return json_decode(file_get_contents("$url/api/$call", false, $context), true);
}

/** The line with this reference, or null. */
function line(string $reference): ?array
{
    return ask('line/info', ['reference' => $reference])['line_info'] ?? null;
}

/** The ids of the streams that it may watch. */
function line_channels(string $reference): array
{
    return api('line/info', ['reference' => $reference])['line_channel_ids'];
}

/** How often the trail has this act on this line, which tells what was done twice. */
function acts(int $id, string $action): int
{
    return api('logs/list', ['kind' => 'audit', 'resource' => 'line', 'action' => $action, 'target_id' => $id])['total'];
}

/** What happens to the next calls, in order: lost, hang, half, refused, gateway; an empty one passes. */
function faults(string ...$plan): void
{
    global $through;
    $context = stream_context_create(['http' => ['method' => 'POST', 'content' => '', 'timeout' => 30]]);
    file_get_contents("$through/faults?plan=" . implode(',', $plan), false, $context);
}

/** Every way in which one answer, or those of all tries, are lost at the first and at the later calls of an act. */
function fault_plans(): array
{
    return [
        'the first answer lost' => ['lost'],
        'the second answer lost' => ['pass', 'lost'],
        'the second call never arrived' => ['pass', 'refused'],
        'the third answer cut' => ['pass', 'pass', 'half'],
        'too slow, then a bad gateway' => ['pass', 'hang', 'gateway'],
        'no try of the second call answered' => ['pass', 'lost', 'lost', 'lost'],
        'no try of the third call answered' => ['pass', 'pass', 'lost', 'hang', 'half'],
        'nothing arrives' => ['refused', 'gateway', 'refused'],
    ];
}
