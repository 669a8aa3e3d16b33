<?php
// A billing system's day at a Linecard server, with nothing but PHP itself:
//
//     LINECARD_URL=http://127.0.0.1:8080 LINECARD_API_KEY=... php docs/examples/billing.php
//
// It ends with code 0 when the server answered everything as expected, else with 1.

declare(strict_types=1);

/** What the server said no to; the message is its `error`. */
final class Refused extends RuntimeException
{
}

/** The Server API over PHP's own streams. */
final class LinecardClient
{
    public function __construct(private string $url, private string $key)
    {
    }

    /**
     * Does one call, such as `line/new`, and returns its decoded answer.
     *
     * Send the same `$once` again after a lost answer: the server repeats the first answer and
     * does nothing twice.
     */
    public function call(string $call, array $fields = [], ?string $once = null): array
    {
        $headers = ['Content-Type: application/x-www-form-urlencoded'];
        if ($once !== null) {
            $headers[] = "Idempotency-Key: $once";
        }
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => implode("\r\n", $headers),
            'content' => http_build_query(['api_key' => $this->key] + $fields),
            'timeout' => 30,
            // Without this the text of a 401 or 403 would be lost.
            'ignore_errors' => true,
        ]]);
        $body = file_get_contents("$this->url/api/$call", false, $context);
        $answer = $body === false ? null : json_decode($body, true);
        if (!is_array($answer) || !array_key_exists('result', $answer)) {
            throw new UnexpectedValueException("$call: no answer of a Linecard server");
        }
        if ($answer['result'] !== true) {
            throw new Refused($answer['error']);
        }
        return $answer;
    }
}

function expect(bool $holds, string $what): void
{
    if (!$holds) {
        throw new UnexpectedValueException("not as expected: $what");
    }
}

function main(): void
{
    $url = getenv('LINECARD_URL');
    $key = getenv('LINECARD_API_KEY');
    expect($url !== false && $key !== false, 'LINECARD_URL and LINECARD_API_KEY are set');
    $linecard = new LinecardClient(rtrim($url, '/'), $key);

    $plan = $linecard->call('subscription_plans/new', ['data' => [
        'name' => 'Monthly',
        'duration' => 1,
        'duration_unit' => 'month',
        'max_allowed_connections' => 2,
    ]])['created_id'];
    echo "plan $plan: one month, two connections\n";

    $line = $linecard->call('line/new', ['data' => [
        'username' => 'customer-1001',
        'subscription_plan_id' => $plan,
        'allowed_ips' => ['192.0.2.10', '198.51.100.0/24'],
        'notes' => 'Invoice 2001 & "paid"',
    ]]);
    expect(strlen($line['password']) === 10, 'a password was made up');
    echo "line {$line['created_id']}: {$line['username']}\n";

    $before = $linecard->call('line/info', ['username' => 'customer-1001']);
    $info = $before['line_info'];
    expect($info['allowed_ips'] === ['192.0.2.10', '198.51.100.0/24'], 'both addresses are kept');
    expect($info['max_allowed_connections'] === 2, 'the plan filled the connections in');
    expect($info['notes'] === 'Invoice 2001 & "paid"', 'the notes arrive as sent');
    expect(!empty($info['expire_date']), 'the plan filled the expiry in');
    expect($before['line_channel_ids'] === [], 'a plan without bouquets has no channels');
    echo "customer-1001 has {$info['max_allowed_connections']} connections\n";

    $linecard->call('line/update', ['username' => 'customer-1001', 'data' => ['extend_plan' => true]]);
    $after = $linecard->call('line/info', ['username' => 'customer-1001'])['line_info'];
    $days = ($after['expire_date'] - $info['expire_date']) / 86400;
    expect($days >= 27 && $days <= 32, 'a month was added');
    echo "customer-1001 extended by a month\n";

    $reseller = $linecard->call('resellers/new', ['data' => ['name' => 'North Shop']])['created_id'];
    $payment = ['id' => $reseller, 'credits' => 250];
    $first = $linecard->call('resellers/add_credits', $payment, 'payment-7001');
    $again = $linecard->call('resellers/add_credits', $payment, 'payment-7001');
    expect($first === $again, 'the repeat gets the first answer');
    echo "reseller $reseller: {$again['credits']} credits after a payment sent twice\n";

    $mag = $linecard->call('mag/new', ['data' => [
        'mac_address' => '00-1a-79-12-34-56',
        'subscription_plan_id' => $plan,
        'reseller_id' => $reseller,
    ]]);
    echo "mag {$mag['created_id']}: {$mag['mac_address']}\n";

    try {
        $linecard->call('line/new', ['data' => ['username' => 'CUSTOMER-1001']]);
        expect(false, 'a taken username is refused');
    } catch (Refused $refused) {
        echo "refused: {$refused->getMessage()}\n";
    }

    $linecard->call('line/new', ['data' => ['username' => 'customer-1002', 'expire_date' => strtotime('+1 day')]]);
    $page = $linecard->call('line/list', ['search' => 'customer-', 'limit' => 1]);
    expect(count($page['lines']) === 1, 'the page is one line long');
    echo "{$page['total']} lines, the first is {$page['lines'][0]['username']}\n";

    $linecard->call('line/delete', ['username' => 'customer-1002']);
    $left = $linecard->call('line/list')['total'];
    echo "customer-1002 deleted, $left ", $left == 1 ? 'line' : 'lines', " left\n";
}

try {
    main();
} catch (Throwable $problem) {
    fwrite(STDERR, get_class($problem) . ': ' . $problem->getMessage() . "\n");
    exit(1);
}
