<?php
// Calls as modules for Xtream Codes make them: by cURL, with arrays as forms and as multipart, and by file_get_contents with a
// stream context. Prints each answer as one line.

$panel = getenv('PANEL_URL');

function by_curl($url, $fields)
{
    $handle = curl_init($url);
    curl_setopt($handle, CURLOPT_RETURNTRANSFER, true);
    curl_setopt($handle, CURLOPT_TIMEOUT, 20);
    curl_setopt($handle, CURLOPT_POST, true);
    curl_setopt($handle, CURLOPT_POSTFIELDS, $fields);
    $answer = curl_exec($handle);
    curl_close($handle);
    return $answer;
}

function by_stream($url, $fields)
{
    $context = stream_context_create(array('http' => array(
        'method' => 'POST',
        'header' => 'Content-type: application/x-www-form-urlencoded',
        'content' => http_build_query($fields),
    )));
    return file_get_contents($url, false, $context);
}

function say($answer)
{
    echo trim($answer), "\n";
    return json_decode($answer, true);
}

$end = strtotime('2030-01-31 12:00:00 UTC');
$sold = array(
    'username' => 'shop-1001',
    'password' => 'first.pass',
    'max_connections' => 2,
    'is_restreamer' => 0,
    'exp_date' => $end,
    'bouquet' => json_encode(array(1, 2)),
    'member_id' => 1,
    'created_by' => 1,
    'is_trial' => 0,
    'admin_notes' => 'order 1001',
    'reseller_notes' => 'paid in cash',
);

// 0: a form by a stream context.
$made = say(by_stream($panel . 'api.php?action=user&sub=create', array('user_data' => $sold)));
assert($made['result'] === true && $made['result'] == '1' && $made['result'] == 1);
// 1: the same again, as a shop does that has lost the answer.
$again = say(by_stream($panel . 'api.php?action=user&sub=create', array('user_data' => $sold)));
assert($again['error'] == 'EXISTS');
// 2: multipart, as cURL sends arrays that are not put together before.
say(by_curl($panel . 'api.php?action=user&sub=create', array(
    'user_data[username]' => 'shop-1002',
    'user_data[password]' => 'p2',
    'user_data[max_connections]' => '1',
    'user_data[is_restreamer]' => '1',
    'user_data[exp_date]' => null,
    'user_data[bouquet]' => '["2"]',
)));
// 3, 4: what the client area shows.
$info = say(by_stream($panel . 'api.php?action=user&sub=info', array(
    'username' => $made['username'],
    'password' => $made['password'],
)));
assert($info['user_info']['exp_date'] == $end && in_array(2, json_decode($info['user_info']['bouquet'])));
$unlimited = say(by_curl(
    $panel . 'api.php?action=user&sub=info',
    http_build_query(array('username' => 'shop-1002', 'password' => 'p2'))
));
assert($unlimited['user_info']['exp_date'] == null);
// 5: renewed and suspended.
say(by_curl($panel . 'api.php?action=user&sub=edit', http_build_query(array(
    'username' => 'shop-1001',
    'password' => 'first.pass',
    'user_data' => array('exp_date' => $end + 86400, 'enabled' => 0, 'password' => 'second.pass'),
))));
// 6: the old password is no longer right.
$wrong = json_decode(by_stream($panel . 'api.php?action=user&sub=info', array(
    'username' => 'shop-1001',
    'password' => 'first.pass',
)));
assert($wrong->error == 'NOT EXISTS');
say(json_encode($wrong));
// 7: after the edit.
say(by_stream($panel . 'api.php?action=user&sub=info', array('username' => 'shop-1001', 'password' => 'second.pass')));
// 8, 9, 10, 11: a box.
say(by_stream($panel . 'api.php?action=stb&sub=create', array('user_data' => array(
    'mac' => '00:1a:79:12:34:56',
    'exp_date' => $end,
    'bouquet' => json_encode(array(1)),
    'member_id' => '1',
    'admin_notes' => '',
    'reseller_notes' => '',
    'is_trial' => 1,
))));
$twice = say(by_stream($panel . 'api.php?action=stb&sub=create', array('user_data' => array('mac' => '001A79123456'))));
assert($twice['error'] == 'EXISTS');
say(by_curl($panel . 'api.php?action=stb&sub=edit', http_build_query(array(
    'mac' => '00:1A:79:12:34:56',
    'user_data' => array('exp_date' => $end + 3600, 'is_trial' => 0, 'lock_device' => '0'),
))));
$box = say(by_stream($panel . 'api.php?action=stb&sub=info', array('mac' => strtoupper('00:1a:79:12:34:56'))));
assert($box['result'] == 1 && $box['user_info']['exp_date'] == (string) ($end + 3600));
// 12, 13: credits by GET, both ways.
say(file_get_contents($panel . 'api.php?action=reg_user&sub=credits&id=1&amount=50'));
say(file_get_contents($panel . 'api.php?action=reg_user&sub=credits&id=1&amount=-20.00'));
// 14, 15: resellers and servers.
$resellers = say(file_get_contents($panel . 'api.php?action=reg_user&sub=list'));
assert($resellers[0]['credits'] == 130);
say(file_get_contents($panel . 'api.php?action=server&sub=list'));
// 16: streams.
say(file_get_contents($panel . 'api.php?action=stream&sub=list'));
// 17, 18: stopped by POST, started by GET.
say(by_stream($panel . 'api.php?action=stream&sub=stop', array('stream_ids' => array(1, 2))));
say(file_get_contents($panel . 'api.php?action=stream&sub=start&stream_ids[]=1'));
// 19: a box under the action and sub of a form, as some send them.
say(by_curl($panel . 'api.php', http_build_query(array('action' => 'stb', 'sub' => 'info', 'mac' => '00:00:00:00:00:01'))));
