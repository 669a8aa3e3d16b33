<?php
// A receiver of Linecard's webhooks (Standard Webhooks 1.0.0), with nothing but PHP itself:
//
//     LINECARD_WEBHOOK_SECRET=whsec_... LINECARD_WEBHOOK_STORE=events.jsonl php -S 127.0.0.1:9000 docs/examples/webhook.php
//
// It answers 204 to what is signed right, and writes each event once, as one line of JSON, however often it is sent.

declare(strict_types=1);

/** Seconds by which clocks may differ: an old message that somebody has caught is worth nothing. */
const TOLERANCE = 300;

/** The signed body as an array; ends the request with 400 if the signature is wrong. */
function verified(string $secret, string $body): array
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $at = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    $key = base64_decode(substr($secret, strlen('whsec_')), true);
    if ($key === false || $id === '' || !ctype_digit($at) || abs(time() - (int) $at) > TOLERANCE) {
        http_response_code(400);
        exit;
    }
    $own = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$at.$body", $key, true));
    // While the secret is being changed there are several.
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $signature) {
        if (hash_equals($own, $signature)) {
            return json_decode($body, true, 64, JSON_THROW_ON_ERROR);
        }
    }
    http_response_code(400);
    exit;
}

$message = verified((string) getenv('LINECARD_WEBHOOK_SECRET'), (string) file_get_contents('php://input'));

// A shop does this in its database, in the transaction of what it does with the event: a table with a unique column for
// webhook-id. Here the file is locked as long as it is looked through.
$store = fopen((string) getenv('LINECARD_WEBHOOK_STORE'), 'c+');
flock($store, LOCK_EX);
$known = false;
while (($line = fgets($store)) !== false) {
    $known = $known || json_decode($line, true)['webhook_id'] === $_SERVER['HTTP_WEBHOOK_ID'];
}
if (!$known) {
    $event = $message['data'];
    fwrite($store, json_encode(['webhook_id' => $_SERVER['HTTP_WEBHOOK_ID']] + $event) . "\n");
}
fclose($store);
http_response_code(204);
