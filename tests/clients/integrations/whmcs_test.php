<?php
// The WHMCS module, called as WHMCS calls it, against a running server.

declare(strict_types=1);

use WHMCS\Database\Capsule;

require __DIR__ . '/support.php';
require __DIR__ . '/whmcs_host.php';
require "$packed/whmcs/modules/servers/linecard/linecard.php";
require "$packed/whmcs/modules/servers/linecard/hooks.php";

$proxy = parse_url($through);
Host::$server = [
    'serverid' => 1, 'server' => true, 'serverip' => '', 'serverhostname' => $proxy['host'], 'serverport' => (string) $proxy['port'],
    'serversecure' => false, 'serverhttpprefix' => 'http', 'serverusername' => '', 'serverpassword' => '', 'serveraccesshash' => '',
];
$scope = ['line', 'subscription_plans:read', 'connections'];
$whmcs = api('settings/api_key_new', ['data' => ['name' => 'whmcs', 'scope' => $scope]])['api_key'];
Host::$server['serveraccesshash'] = "$whmcs\n";
$small = api('subscription_plans/new', ['data' => ['name' => 'WHMCS small', 'duration' => 1, 'duration_unit' => 'day', 'max_allowed_connections' => 1, 'credits' => 10]])['created_id'];
$large = api('subscription_plans/new', ['data' => ['name' => 'WHMCS large', 'max_allowed_connections' => 3, 'credits' => 25]])['created_id'];
$reseller = api('resellers/new', ['data' => ['name' => 'WHMCS shop', 'use_credits' => 1, 'credits' => 1000]])['created_id'];
$sold = fn (): int => 1000 - api('resellers/list', ['id' => $reseller])['resellers'][0]['credits'];
const SMALL = 1, LARGE = 2, DELETING = 3, DATELESS = 4, BY_PLAN = 5;
Host::product(SMALL, [$small, '', 2, 'Europe/Lisbon', 'never', 'disable', $reseller, 'http://tv.example.com/', '']);
Host::product(LARGE, [$large, '', 2, 'Europe/Lisbon', 'never', 'disable', $reseller, '', '']);
Host::product(DELETING, [$small, '', 0, '', 'never', 'delete', $reseller, '', 'box']);
Host::product(DATELESS, [$small, '', '', '', 'never', '', '', '', '']);
Host::product(BY_PLAN, [$small, '', '', '', 'plan', '', '', '', '']);
/** The midnight after the day and two days of grace, in Lisbon. */
$end = fn (string $day): int => (new DateTimeImmutable("$day +3 days", new DateTimeZone('Europe/Lisbon')))->getTimestamp();

// Setting up.
same(linecard_TestConnection(Host::$server), ['success' => true, 'error' => ''], 'the connection test');
check(str_contains(linecard_TestConnection(['serveraccesshash' => 'wrong'] + Host::$server)['error'], 'API key wrong'), 'a wrong key is named');
check(str_contains(linecard_TestConnection(['serverhostname' => ''] + Host::$server)['error'], 'address'), 'a missing address is named');
faults('refused', 'refused', 'refused');
check(str_contains(linecard_TestConnection(Host::$server)['error'], 'safe to try again ('), 'staff see why there is no answer');
same(linecard_plans(Host::$server)[$small], 'WHMCS small', 'the plans are offered');
foreach (['CreateAccount', 'SuspendAccount', 'UnsuspendAccount', 'TerminateAccount', 'Renew', 'ChangePackage', 'ChangePassword', 'newpassword', 'disconnect'] as $function) {
    check(('linecard_' . $function)([]) !== 'success', "$function says what is missing");
}
linecard_UsageUpdate([]);
check(linecard_ClientArea([])['templateVariables']['problem'] !== '', 'a page without parameters is a sentence');

// A sale, however often it is asked and whatever is lost on the way.
$id = 100;
foreach (['nothing lost' => []] + fault_plans() as $name => $plan) {
    $id++;
    Host::service($id, SMALL, '2031-10-25');
    $before = $sold();
    faults(...$plan);
    Host::until($id, 'CreateAccount');
    faults();
    Host::until($id, 'CreateAccount');
    $line = line("whmcs-$id");
    same($line['username'], "tv$id", "username, $name");
    same(Capsule::$tables['tblhosting'][$id]['username'], "tv$id", "WHMCS knows the username, $name");
    same(Capsule::$tables['tblhosting'][$id]['password'], $line['password'], "WHMCS knows the password, $name");
    same($line['expire_date'], $end('2031-10-25'), "the end, over the change of the clocks, $name");
    same([$line['subscription_plan_id'], $line['max_allowed_connections'], $line['email']], [$small, 1, "client$id@example.com"], "what was bought, $name");
    same($sold() - $before, 10, "paid once, $name");
    same(acts($line['id'], 'new'), 1, "made once, $name");
    same(api('line/list', ['search' => "tv$id"])['total'], 1, "one line, $name");
}

// Every other act, with the same faults and then once more.
$acts = [
    'SuspendAccount' => [[], fn (array $line) => $line['disabled'] === 1],
    'UnsuspendAccount' => [[], fn (array $line) => $line['disabled'] === 0],
    'Renew' => [['nextduedate' => '2032-01-25'], fn (array $line) => $line['expire_date'] === $end('2032-01-25')],
    'ChangePackage' => [['packageid' => LARGE], fn (array $line) => $line['subscription_plan_id'] === $large && $line['max_allowed_connections'] === 3],
    'ChangePassword' => [['password' => 'Chosen.1'], fn (array $line) => $line['password'] === 'Chosen.1'],
    'TerminateAccount' => [[], fn (array $line) => $line['disabled'] === 1],
];
$id = 100;
foreach (fault_plans() as $name => $plan) {
    $id++;
    $before = $sold();
    foreach ($acts as $function => [$changes, $holds]) {
        Host::set($id, $changes);
        $updates = acts(line("whmcs-$id")['id'], 'update');
        faults(...$plan);
        Host::until($id, $function);
        faults();
        Host::until($id, $function);
        $line = line("whmcs-$id");
        check($holds($line), "$function, $name: " . json_encode($line));
        same(acts($line['id'], 'update') - $updates, 1, "$function done once, $name");
    }
    same($sold(), $before, "no act but a sale costs anything, $name");
}

// Late payment: suspended, then paid; renewed and unsuspended in both orders.
foreach ([['Renew', 'UnsuspendAccount'], ['UnsuspendAccount', 'Renew']] as $place => $order) {
    $id = 200 + $place;
    Host::service($id, SMALL, '2026-01-10');
    Host::until($id, 'CreateAccount');
    Host::until($id, 'SuspendAccount');
    check(line("whmcs-$id")['expire_date'] < time(), 'it has expired');
    Host::set($id, ['nextduedate' => '2031-02-10']);
    foreach ($order as $function) {
        Host::until($id, $function);
    }
    $line = line("whmcs-$id");
    same([$line['disabled'], $line['expire_date']], [0, $end('2031-02-10')], implode(', then ', $order));
    // Suspended again, and again, within the day in which answers are kept.
    foreach (['SuspendAccount', 'UnsuspendAccount', 'SuspendAccount'] as $function) {
        Host::until($id, $function);
    }
    same(line("whmcs-$id")['disabled'], 1, 'the last word counts');
    Host::set($id, ['nextduedate' => '2031-03-10']);
    Host::until($id, 'Renew');
    same(line("whmcs-$id")['disabled'], 1, 'a renewal lifts no suspension by staff');
}

// A request that arrives when everybody has given it up, after a newer act.
faults('pass', 'late', 'late', 'late');
check(str_contains(Host::call(103, 'UnsuspendAccount'), 'safe to try again'), 'no answer in time');
faults();
Host::set(103, ['password' => 'Newer.1']);
Host::until(103, 'ChangePassword');
usleep(3500000);
same([line('whmcs-103')['disabled'], line('whmcs-103')['password']], [1, 'Newer.1'], 'what comes late is refused');

// WHMCS moves the due date after it has renewed: the payment's hook and the daily comparison catch up.
Host::set(101, ['domainstatus' => 'Active', 'nextduedate' => '2032-06-25']);
Capsule::$tables['tblinvoiceitems'] = [['invoiceid' => 9, 'type' => 'Hosting', 'relid' => 101], ['invoiceid' => 9, 'type' => 'Domain', 'relid' => 1]];
$hooks['InvoicePaid'](['invoiceid' => 9]);
same(line('whmcs-101')['expire_date'], $end('2032-06-25'), 'the hook of a payment');
Host::set(101, ['nextduedate' => '2032-07-25']);
Host::set(102, ['domainstatus' => 'Terminated', 'nextduedate' => '2040-07-25']);
linecard_UsageUpdate(Host::$server);
same(line('whmcs-101')['expire_date'], $end('2032-07-25'), 'the daily comparison');
check(line('whmcs-102')['expire_date'] < $end('2040-07-25'), 'which leaves services that are over');
api('line/update', ['reference' => 'whmcs-101', 'data' => ['expire_date' => $end('2033-01-01')]]);
Host::until(101, 'Renew');
linecard_UsageUpdate(Host::$server);
same(line('whmcs-101')['expire_date'], $end('2033-01-01'), 'days given in the panel stay');
same($activity, ['Linecard: the daily comparison of due dates failed: The address of the Linecard server is missing or wrong: set host name and port of the server'], 'activity log');
same($hooks['OverrideModuleUsernameGeneration'](Host::params(101)), 'tv101', 'usernames of WHMCS');

// Deleted and sold anew within the day, on the same terms: answers that are kept must not pass for a sale.
Host::service(300, DELETING, '2031-05-05');
$before = $sold();
$ids = [];
for ($round = 1; $round <= 3; $round++) {
    Host::until(300, 'CreateAccount');
    $ids[] = line('whmcs-300')['id'];
    faults('pass', 'lost', 'lost', 'lost');
    Host::until(300, 'TerminateAccount');
    faults();
    Host::until(300, 'TerminateAccount');
    same(line('whmcs-300'), null, 'deleted');
}
same([count(array_unique($ids)), $sold() - $before], [3, 30], 'three sales');
check(str_contains(Host::call(300, 'Renew'), 'deleted, or never created'), 'nothing to renew is said');

// A name that is taken, and one that WHMCS made up.
api('line/new', ['data' => ['username' => 'taken', 'password' => 'other']]);
Host::service(301, SMALL, '2031-05-05', ['username' => 'taken', 'password' => 'mine']);
Host::until(301, 'CreateAccount');
same(line('whmcs-301')['username'], 'tv301', 'a stranger keeps his line');
same(api('line/info', ['username' => 'taken'])['line_info']['reference'], '', 'untouched');
Host::service(302, SMALL, '2031-05-05', ['username' => 'ünfit name', 'password' => 'p$ss&word']);
Host::until(302, 'CreateAccount');
same(line('whmcs-302')['username'], 'tv302', 'a name that no line can have');
Host::set(302, ['password' => 'p$ss']);
check(str_contains(Host::call(302, 'ChangePassword'), 'letters, digits'), 'a password that no line can have');

// Lines of an old installation.
foreach (['SuspendAccount', 'Renew', 'ChangePackage', 'ChangePassword', 'CreateAccount', 'TerminateAccount'] as $place => $function) {
    $id = 400 + $place;
    $old = api('line/new', ['data' => ['username' => "old$id", 'password' => 'known', 'expire_date' => time() + 86400]])['created_id'];
    Host::service($id, SMALL, '2031-05-05', ['username' => "old$id", 'password' => 'known', 'domainstatus' => 'Active']);
    faults('pass', 'pass', 'lost', 'lost', 'lost');
    Host::until($id, $function);
    faults();
    Host::until($id, $function);
    same(line("whmcs-$id")['id'], $old, "$function adopts");
}
// Not one of another service, and none to delete on a name alone.
Host::service(410, SMALL, '2031-05-05', ['username' => 'old400', 'password' => 'known']);
check(Host::call(410, 'SuspendAccount') !== 'success', 'a line has one service');
Host::service(411, DELETING, '2031-05-05', ['username' => 'taken', 'password' => 'mine']);
same(Host::call(411, 'TerminateAccount'), 'success', 'nothing to delete');
same(api('line/info', ['username' => 'taken'])['line_info']['password'], 'other', 'a stranger keeps his line');

// A page takes no line over, and no act does by the username alone.
api('line/new', ['data' => ['username' => 'tv420', 'password' => 'hers']]);
Host::service(420, SMALL, '2031-05-05', ['username' => 'tv420', 'password' => 'guess', 'domainstatus' => 'Active']);
same(linecard_ClientArea(Host::params(420))['templateVariables']['line'], null, 'a stranger sees no line of the same name');
foreach (['SuspendAccount', 'Renew', 'ChangePackage', 'ChangePassword'] as $function) {
    check(str_contains(Host::call(420, $function), 'There is no line'), "$function takes no line over by its name");
}
Host::set(420, ['password' => 'hers']);
same(linecard_ClientArea(Host::params(420))['templateVariables']['line']['username'], 'tv420', 'both agree: it is shown');
$line = api('line/info', ['username' => 'tv420'])['line_info'];
same([$line['reference'], $line['disabled'], $line['password']], ['', 0, 'hers'], 'and left as it is');

// A line without an end keeps none; a change of the package gives the end of the due date.
Host::service(421, SMALL, '2031-05-05', ['domainstatus' => 'Active']);
Host::until(421, 'CreateAccount');
api('line/update', ['reference' => 'whmcs-421', 'data' => ['expire_date' => '']]);
Host::set(421, ['nextduedate' => '2031-06-05']);
Host::until(421, 'Renew');
linecard_UsageUpdate(Host::$server);
same(line('whmcs-421')['expire_date'], null, 'a renewal cuts nothing off');

// Another shop with the same numbers: its client gets neither the login nor the line.
$mine = line('whmcs-421');
foreach ([['username' => 'otherclient'], ['username' => 'tv421']] as $name) {
    Host::set(421, $name + ['password' => 'Other.1', 'email' => 'stranger@example.com', 'packageid' => DELETING]);
    check(str_contains(Host::call(421, 'CreateAccount'), 'of somebody else'), 'a sale under the number of another shop');
    check(str_contains(Host::call(421, 'TerminateAccount'), 'of somebody else'), 'nor is it deleted');
    same(Capsule::$tables['tblhosting'][421]['password'], 'Other.1', 'its login is not given away');
}
Host::set(421, ['username' => 'otherclient']);
foreach (['SuspendAccount', 'Renew', 'ChangePackage', 'disconnect'] as $function) {
    check(Host::call(421, $function) !== 'success', "$function of another shop's line");
}
same(linecard_ClientArea(Host::params(421))['templateVariables']['line'], null, 'nor shown');
same(line('whmcs-421'), $mine, 'it is as it was');
// Renamed by staff, or with another address of the client, it is still the same.
Host::set(421, ['password' => $mine['password']]);
Host::until(421, 'SuspendAccount');

// Without a due date; with connections that were chosen.
Host::service(500, DATELESS, '0000-00-00');
Host::until(500, 'CreateAccount');
same(line('whmcs-500')['expire_date'], null, 'never ends');
Host::service(501, BY_PLAN, '0000-00-00', ['configoptions' => ['Connections' => '4']]);
Host::until(501, 'CreateAccount');
$line = line('whmcs-501');
check(abs($line['expire_date'] - time() - 86400) < 120, 'ends as its plan says');
same($line['max_allowed_connections'], 4, 'connections that were chosen');
Host::until(501, 'Renew');
same(line('whmcs-501')['expire_date'], $line['expire_date'], 'and stays so');
Host::service(502, SMALL, 'nonsense');
check(str_contains(Host::call(502, 'CreateAccount'), 'due date'), 'a date that cannot be read is no line for ever');
same(line('whmcs-502'), null, 'nothing sold');

// The client's page.
$page = linecard_ClientArea(Host::params(301));
same($page['tabOverviewModuleOutputTemplate'], 'templates/line.tpl', 'its template');
check(is_file("$packed/whmcs/modules/servers/linecard/templates/line.tpl"), 'which is there');
$shown = $page['templateVariables']['line'];
same([$shown['username'], $shown['state'], $shown['works'], $shown['ends'], $shown['open']], ['tv301', 'active', true, '2031-05-08 00:00 WEST', []], 'what it shows');
$password = line('whmcs-301')['password'];
same($shown['addresses']['playlist'], "http://tv.example.com/get.php?username=tv301&password=$password&type=m3u_plus&output=ts", 'the playlist');
echo 'qr ', $shown['addresses']['playlist'], ' ', $shown['qr'], "\n";
for ($length = 6; $length <= 666; $length += 60) {
    $text = substr(str_repeat('http://tv.example.com/get.php?username=a&password=b~', 15), 0, $length);
    echo "qr $text ", Linecard\QrCode::image($text), "\n";
}
same(Linecard\QrCode::image(str_repeat('x', 667)), '', 'longer texts have no code');
same(linecard_AdminServicesTabFields(Host::params(301))['Line'], 'tv301 (whmcs-301), active', 'what staff see');

// New password and connections, by the buttons only. What was lost is shown by the page, and WHMCS learns it.
unset($_SERVER['REQUEST_METHOD']);
check(str_contains(Host::call(301, 'newpassword'), 'button'), 'a link does nothing');
$_SERVER['REQUEST_METHOD'] = 'POST';
check(str_contains(Host::call(301, 'newpassword'), 'half a minute'), 'not at once again');
same(Host::call(301, 'disconnect'), 'success', 'no connection to end is fine');
same(line('whmcs-301')['password'], $password, 'nothing changed');
api('line/update', ['reference' => 'whmcs-301', 'data' => ['password' => 'fresh1']]);
linecard_ClientArea(Host::params(301));
same(Capsule::$tables['tblhosting'][301]['password'], 'fresh1', 'WHMCS learns the password');
api('line/update', ['reference' => 'whmcs-301', 'data' => ['bouquets' => array_column(api('bouquets/list')['bouquets'], 'id')]]);
$stream = line_channels('whmcs-301')[0];
$viewer = fopen("$url/live/tv301/fresh1/$stream", 'rb', false, stream_context_create(['http' => ['timeout' => 30, 'user_agent' => '<b>Player']]));
check(strlen(fread($viewer, 188)) > 0, 'it is watched');
$open = linecard_ClientArea(Host::params(301))['templateVariables']['line']['open'];
same([count($open), $open[0]['from'], $open[0]['with']], [1, '127.0.0.1', '<b>Player'], 'what is watched is shown');
check(str_starts_with(linecard_AdminServicesTabFields(Host::params(301))['Connections'], '1 open'), 'staff see it too');
faults('pass', 'lost');
Host::until(301, 'disconnect');
faults();
while (!feof($viewer) && fread($viewer, 65536) !== false) {
    continue;
}
same(linecard_ClientArea(Host::params(301))['templateVariables']['line']['open'], [], 'the connection was ended');
Host::$server['serveraccesshash'] = 'wrong';
same(Host::call(301, 'ChangePassword'), 'This is not possible at the moment. Please try again later.', 'how the server is set up is not for clients');
check(str_contains(Host::call(301, 'Renew'), 'API key wrong'), 'but for staff');
Host::$server['serveraccesshash'] = $whmcs;
define('ADMINAREA', true);
faults('pass', 'pass', 'lost', 'lost', 'lost');
Host::until(301, 'newpassword');
faults();
check(line('whmcs-301')['password'] !== 'fresh1', 'staff make a new password at once');
linecard_ClientArea(Host::params(301));
same(Capsule::$tables['tblhosting'][301]['password'], line('whmcs-301')['password'], 'WHMCS learns that, too');
Host::until(301, 'SuspendAccount');
same(linecard_ClientArea(Host::params(301))['templateVariables']['line']['works'], false, 'no addresses while it is suspended');
faults('refused', 'refused', 'refused');
check(str_contains(linecard_ClientArea(Host::params(301))['templateVariables']['problem'], 'try again later'), 'without the server, a sentence');
faults();

// The module log keeps no secret.
check(count($logged) > 300, 'calls are logged');
foreach ($logged as $text) {
    check(!str_contains($text, $whmcs) && !preg_match('/"password\\\\?":\\\\?"(?!\*\*\*)/', $text), "a secret in the log: $text");
}
// A name of this shop's own.
define('LINECARD_SHOP', 'shop-b');
Host::service(101, SMALL, '2031-05-05', ['username' => 'tv101b', 'password' => 'Mine.1']);
$other = line('whmcs-101');
Host::until(101, 'CreateAccount');
same([line('shop-b-101')['username'], line('whmcs-101')], ['tv101b', $other], 'two shops, two lines');

echo "whmcs: every call with and without faults, late payments, adoption, the client's page: passed\n";
