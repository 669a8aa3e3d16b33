<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

use WHMCS\Database\Capsule;

if (!defined('WHMCS')) {
    die('This file cannot be accessed directly');
}

/** Usernames that no other line has: those of WHMCS are made of a domain, which a subscriber has not. */
add_hook('OverrideModuleUsernameGeneration', 1, static function (array $vars) {
    $params = isset($vars['params']) && is_array($vars['params']) ? $vars['params'] : $vars;
    if (($params['moduletype'] ?? '') !== 'linecard' || empty($params['serviceid'])) {
        return '';
    }
    return (trim((string) ($params['configoption9'] ?? '')) ?: 'tv') . $params['serviceid'];
});

/**
 * After a payment and all that it set off: services that are active are renewed once more, in case that WHMCS
 * moved their due date only after it had renewed them. A repeat of a renewal changes nothing.
 */
add_hook('InvoicePaid', 100, static function (array $vars): void {
    $items = Capsule::table('tblinvoiceitems')->where('invoiceid', (int) ($vars['invoiceid'] ?? 0))->where('type', 'Hosting')->get();
    foreach ($items as $item) {
        $service = Capsule::table('tblhosting')->where('id', $item->relid)->where('domainstatus', 'Active')->first();
        $product = $service ? Capsule::table('tblproducts')->where('id', $service->packageid)->first() : null;
        if ($product && $product->servertype === 'linecard') {
            $done = localAPI('ModuleCustom', ['serviceid' => (int) $service->id, 'func_name' => 'Renew']);
            if (($done['result'] ?? '') !== 'success') {
                logActivity("Linecard: service {$service->id} was not renewed again after its payment: " . ($done['message'] ?? ''));
            }
        }
    }
});
