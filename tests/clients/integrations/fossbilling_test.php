<?php
// The product type for FOSSBilling, called as the order module calls it, against a running server.

declare(strict_types=1);

use Box\Mod\Servicelinecard\Service;

require __DIR__ . '/support.php';
require __DIR__ . '/fossbilling_host.php';
foreach (['Service', 'Api/Client', 'Api/Admin'] as $file) {
    require "$packed/fossbilling/modules/Servicelinecard/$file.php";
}

$small = api('subscription_plans/new', ['data' => ['name' => 'FOSS small', 'duration' => 1, 'duration_unit' => 'day', 'max_allowed_connections' => 1]])['created_id'];
$large = api('subscription_plans/new', ['data' => ['name' => 'FOSS large', 'max_allowed_connections' => 3]])['created_id'];
$orders = new Orders(new Service());
$secret = api('settings/api_key_new', ['data' => ['name' => 'fossbilling', 'scope' => ['line', 'subscription_plans:read', 'connections']]])['api_key'];
$orders->settings['servicelinecard'] = ['url' => $through, 'key' => $secret, 'players' => 'http://tv.example.com'];
$product = ['plan' => $small, 'connections' => '', 'prefix' => 'foss', 'remove' => 'delete'];
$ends = fn (int $id): int => strtotime($orders->tables->orders[$id]['expires_at']);
$staff = new Box\Mod\Servicelinecard\Api\Admin($orders->service, (object) ['id' => 1]);
$client = new Box\Mod\Servicelinecard\Api\Client($orders->service, (object) ['id' => 7]);
$stranger = new Box\Mod\Servicelinecard\Api\Client($orders->service, (object) ['id' => 8]);
same($staff->plans()[$small], 'FOSS small', 'the plans are offered');

/** Whether it throws with these words. */
function refused(callable $act, string $words): void
{
    try {
        $act();
    } catch (Exception $refused) {
        check(str_contains($refused->getMessage(), $words), $refused->getMessage());
        return;
    }
    check(false, "not refused: $words");
}

// Every call, with every fault, and once more; orders in every shape.
$id = 100;
foreach (['nothing lost' => []] + fault_plans() as $name => $plan) {
    $orders->shape = ++$id % 3;
    $orders->place($id, $product, '1M', ['plan' => $large, 'period' => '1M']);
    $acts = [
        'activate' => fn (array $line) => [$line['username'], $line['subscription_plan_id'], $line['expire_date'] - $ends($id) <= 60] === ["foss$id", $small, true],
        'suspend' => fn (array $line) => $line['disabled'] === 1,
        'renew' => fn (array $line) => $line['disabled'] === 0 && $line['expire_date'] >= $ends($id),
        'cancel' => fn (array $line) => $line['disabled'] === 1,
        'uncancel' => fn (array $line) => $line['disabled'] === 0,
    ];
    foreach ($acts as $action => $holds) {
        faults(...$plan);
        $orders->until($id, $action);
        faults();
        check($holds(line("fossbilling-$id")), "$action, $name: " . json_encode(line("fossbilling-$id")));
        if ($action !== 'renew') {
            $orders->until($id, $action);
            check($holds(line("fossbilling-$id")), "$action again, $name");
        }
    }
    $line = line("fossbilling-$id");
    same(acts($line['id'], 'new'), 1, "made once, $name");
    check(abs($line['expire_date'] - $ends($id)) <= 60, "one renewal is one period, $name");
    same($orders->tables->services[$orders->tables->orders[$id]['service']->id]->username, "foss$id", "the username is kept, $name");
}

// A renewal that fails before FOSSBilling moves the end, and is asked again.
foreach (['', 'from_today', 'from_greater'] as $place => $logic) {
    $orders->settings['order']['order_renewal_logic'] = $logic;
    $id = 200 + $place;
    $orders->place($id, $product);
    $orders->until($id, 'activate');
    $orders->until($id, 'suspend');
    $orders->tables->orders[$id]['expires_at'] = date('Y-m-d H:i:s', time() - 5 * 86400);
    api('line/update', ['reference' => "fossbilling-$id", 'data' => ['expire_date' => time() - 5 * 86400]]);
    faults('pass', 'lost', 'lost', 'lost');
    refused(fn () => $orders->call($id, 'renew'), 'safe to try again');
    faults();
    // What the module itself expects, before FOSSBilling has written anything.
    $orders->service->renew($orders->tables->orders[$id]);
    $from = $logic === '' ? $ends($id) : time();
    check(abs(line("fossbilling-$id")['expire_date'] - strtotime('+1 month', $from)) <= 5, "the end to be, $logic");
    $orders->until($id, 'renew');
    $line = line("fossbilling-$id");
    same($line['disabled'], 0, 'a late payment enables');
    check(abs($line['expire_date'] - $ends($id)) <= 2, "one period, not two, $logic");
    check($ends($id) > time() + 20 * 86400, 'paid late');
    // The other order: lifted first, then renewed.
    $orders->until($id, 'suspend');
    $orders->until($id, 'unsuspend');
    $orders->until($id, 'renew');
    same(line("fossbilling-$id")['disabled'], 0, 'unsuspended, then renewed');
}
$orders->settings['order'] = [];

// What FOSSBilling wrote is another end than was expected.
$orders->tables->orders[200]['expires_at'] = '2034-01-01 00:00:00';
Service::onAfterAdminOrderRenew(new Box_Event($orders->di, ['id' => 200]));
same(line('fossbilling-200')['expire_date'], strtotime('2034-01-01'), 'the event after a renewal');
Service::onAfterAdminOrderActivate(new Box_Event($orders->di, ['id' => 12345]));

// What only the cron sees.
$orders->tables->orders[200]['expires_at'] = '2035-01-01 00:00:00';
Service::onAfterAdminCronRun(new Box_Event($orders->di, []));
same(line('fossbilling-200')['expire_date'], strtotime('2035-01-01'), 'the comparison by the cron');

// Deleted and sold anew; without an end; a change of the plan.
$ids = [];
for ($round = 1; $round <= 3; $round++) {
    $orders->place(300, $product, '');
    $orders->until(300, 'activate');
    same(line('fossbilling-300')['expire_date'], null, 'without a period it never ends');
    $ids[] = line('fossbilling-300')['id'];
    faults('pass', 'lost', 'lost', 'lost');
    $orders->until(300, 'delete');
    faults();
    same(line('fossbilling-300'), null, 'deleted');
}
same(count(array_unique($ids)), 3, 'three sales');
$orders->tables->orders[200]['config'] = json_encode(['plan' => $large] + $product);
$staff->change_package(['order_id' => 200]);
$line = line('fossbilling-200');
same([$line['subscription_plan_id'], $line['max_allowed_connections'], $line['expire_date']], [$large, 3, strtotime('2035-01-01')], 'another plan');

// A line of an old installation.
$old = api('line/new', ['data' => ['username' => 'oldfoss', 'password' => 'known']])['created_id'];
$orders->place(401, $product, '1M', ['username' => 'oldfoss', 'password' => 'known']);
$orders->until(401, 'activate');
same(line('fossbilling-401')['username'], 'foss401', 'a client cannot ask for a line');
$orders->place(400, ['username' => 'oldfoss', 'password' => 'known'] + $product);
$orders->until(400, 'activate');
same(line('fossbilling-400')['id'], $old, 'adopted');

// A line whose end was removed keeps none; another shop's line is left alone, and each shop may have a name.
$orders->place(402, $product);
$orders->until(402, 'activate');
api('line/update', ['reference' => 'fossbilling-402', 'data' => ['expire_date' => '']]);
$orders->until(402, 'renew');
same(line('fossbilling-402')['expire_date'], null, 'a renewal cuts nothing off');
api('line/new', ['data' => ['username' => 'foss403', 'password' => 'hers', 'email' => 'stranger@example.com', 'reference' => 'fossbilling-403']]);
$orders->place(403, $product);
refused(fn () => $orders->call(403, 'activate'), 'of somebody else');
same(line('fossbilling-403')['password'], 'hers', 'a stranger keeps her line');
$orders->settings['servicelinecard']['shop'] = 'shop-c';
$orders->until(403, 'activate');
check(str_starts_with(line('shop-c-403')['username'], 'foss403-'), 'its own line under its own name');
unset($orders->settings['servicelinecard']['shop']);

// The client's page, for its own client only.
$shown = $client->get(['order_id' => 200])['line'];
same([$shown['username'], $shown['state'], $shown['open']], ['foss200', 'active', []], 'what is shown');
echo 'qr ', $shown['addresses']['playlist'], ' ', $shown['qr'], "\n";
refused(fn () => $stranger->get(['order_id' => 200]), 'no such order');
refused(fn () => $stranger->disconnect(['order_id' => 200]), 'no such order');
refused(fn () => $client->new_password(['order_id' => 200]), 'half a minute');
same($client->disconnect(['order_id' => 200]), 0, 'no connection to end is fine');
refused(fn () => $staff->change_password(['order_id' => 200, 'password' => 'p$ss']), 'letters, digits');
$staff->change_password(['order_id' => 200, 'password' => 'Chosen.2']);
same(line('fossbilling-200')['password'], 'Chosen.2', 'a chosen password');
$orders->until(200, 'suspend');
refused(fn () => $client->new_password(['order_id' => 200]), 'not active');
faults('refused', 'refused', 'refused');
check(str_contains($client->get(['order_id' => 200])['problem'], 'try again later'), 'without the server, a sentence');
faults();

$orders->settings['servicelinecard']['key'] = 'wrong';
refused(fn () => $client->disconnect(['order_id' => 201]), 'not possible at the moment');
check(count($orders->logged) > 100, 'calls are logged');
foreach ($orders->logged as $text) {
    check(!str_contains($text, $secret) && !preg_match('/"password":"(?!\*\*\*)/', $text), "a secret in the log: $text");
}
echo "fossbilling: every call with and without faults, late payments, adoption, the client's page: passed\n";
