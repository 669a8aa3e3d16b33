<?php
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// WHMCS server module for Linecard: docs/whmcs.md.

declare(strict_types=1);

use WHMCS\Module\Server\Linecard\Page;
use WHMCS\Module\Server\Linecard\Service;
use WHMCS\Module\Server\Linecard\Shop;

if (!defined('WHMCS')) {
    die('This file cannot be accessed directly');
}
require_once __DIR__ . '/lib/load.php';

function linecard_MetaData(): array
{
    return [
        'DisplayName' => 'Linecard',
        'APIVersion' => '1.1',
        'RequiresServer' => true,
        'DefaultNonSSLPort' => '8080',
        'DefaultSSLPort' => '443',
    ];
}

/** WHMCS keeps them by position: new ones go to the end. */
function linecard_ConfigOptions(array $params = []): array
{
    return [
        'plan' => [
            'FriendlyName' => 'Subscription plan', 'Type' => 'text', 'Size' => 25,
            'Loader' => 'linecard_plans', 'SimpleMode' => true, 'Description' => 'Id of the plan on the Linecard server',
        ],
        'connections' => [
            'FriendlyName' => 'Connections', 'Type' => 'text', 'Size' => 5, 'SimpleMode' => true,
            'Description' => 'Empty: as many as the plan has. A configurable option named Connections goes first',
        ],
        'grace' => [
            'FriendlyName' => 'Days of grace', 'Type' => 'text', 'Size' => 5, 'Default' => '0', 'SimpleMode' => true,
            'Description' => 'The line ends so many days after the due date',
        ],
        'zone' => [
            'FriendlyName' => 'Time zone', 'Type' => 'text', 'Size' => 25, 'SimpleMode' => true,
            'Description' => 'Whose midnight ends a line, such as Europe/Lisbon. Empty: that of WHMCS',
        ],
        'dateless' => [
            'FriendlyName' => 'Without a due date', 'Type' => 'dropdown', 'SimpleMode' => true,
            'Options' => ['never' => 'never ends', 'plan' => 'ends as the plan says'], 'Default' => 'never',
            'Description' => 'Free and one-time services',
        ],
        'terminate' => [
            'FriendlyName' => 'Terminate', 'Type' => 'dropdown', 'SimpleMode' => true,
            'Options' => ['disable' => 'disables the line', 'delete' => 'deletes the line'], 'Default' => 'disable',
        ],
        'reseller' => [
            'FriendlyName' => 'Reseller', 'Type' => 'text', 'Size' => 5, 'SimpleMode' => true,
            'Description' => 'Id of the reseller whose lines these are, and whose credits pay for new ones. Empty: none',
        ],
        'players' => [
            'FriendlyName' => 'Address for players', 'Type' => 'text', 'Size' => 40, 'SimpleMode' => true,
            'Description' => 'Such as http://tv.example.com. Empty: that of the server',
        ],
        'prefix' => [
            'FriendlyName' => 'Usernames begin with', 'Type' => 'text', 'Size' => 10, 'Default' => 'tv', 'SimpleMode' => true,
            'Description' => 'The number of the service follows',
        ],
    ];
}

/** The plans to choose from. WHMCS shows the text of what is thrown. */
function linecard_plans(array $params): array
{
    return Shop::of($params)->plans();
}

function linecard_CreateAccount(array $params): string
{
    return Service::act($params, fn (Service $service) => $service->create());
}

function linecard_SuspendAccount(array $params): string
{
    return Service::act($params, fn (Service $service) => $service->suspend());
}

function linecard_UnsuspendAccount(array $params): string
{
    return Service::act($params, fn (Service $service) => $service->unsuspend());
}

function linecard_TerminateAccount(array $params): string
{
    return Service::act($params, fn (Service $service) => $service->terminate());
}

function linecard_Renew(array $params): string
{
    return Service::act($params, fn (Service $service) => $service->renew());
}

function linecard_ChangePackage(array $params): string
{
    return Service::act($params, fn (Service $service) => $service->changePackage());
}

function linecard_ChangePassword(array $params): string
{
    return Service::act($params, fn (Service $service) => $service->changePassword(), true);
}

function linecard_TestConnection(array $params): array
{
    try {
        Shop::of($params)->test();
        return ['success' => true, 'error' => ''];
    } catch (Throwable $problem) {
        $detail = $problem instanceof Linecard\Unreachable ? " ($problem->detail)" : '';
        return ['success' => false, 'error' => $problem->getMessage() . $detail];
    }
}

/** Once a day for each server: renewals that did not reach it are made up for. */
function linecard_UsageUpdate(array $params): void
{
    try {
        Shop::of($params)->catchUp();
    } catch (Throwable $problem) {
        logActivity('Linecard: the daily comparison of due dates failed: ' . $problem->getMessage());
    }
}

function linecard_ClientArea(array $params): array
{
    return ['tabOverviewModuleOutputTemplate' => 'templates/line.tpl', 'templateVariables' => Page::variables($params)];
}

/** The buttons are in the page itself, where they are sent by POST. */
function linecard_ClientAreaAllowedFunctions(): array
{
    return ['newpassword', 'disconnect'];
}

function linecard_AdminCustomButtonArray(): array
{
    return ['New password' => 'newpassword', 'End connections' => 'disconnect'];
}

function linecard_newpassword(array $params): string
{
    return Service::act($params, fn (Service $service) => $service->newPassword(), true);
}

function linecard_disconnect(array $params): string
{
    return Service::act($params, fn (Service $service) => $service->disconnect(), true);
}

function linecard_AdminServicesTabFields(array $params): array
{
    return Page::staff($params);
}
