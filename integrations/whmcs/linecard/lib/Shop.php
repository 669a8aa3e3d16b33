<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace WHMCS\Module\Server\Linecard;

use Linecard\Client;
use Linecard\Lines;
use Linecard\Owner;
use Linecard\Refused;
use WHMCS\Database\Capsule;

/** One Linecard server, as it is set up in WHMCS. */
final class Shop
{
    private function __construct(public Client $client, public Lines $lines, private int $server)
    {
    }

    public static function of(array $params): self
    {
        $key = trim((string) ($params['serveraccesshash'] ?? '')) ?: (string) ($params['serverpassword'] ?? '');
        $log = static function (string $call, array $fields, string $answer) use ($key, $params): void {
            $secrets = array_filter([$key, rawurlencode($key), (string) ($params['password'] ?? '')]);
            logModuleCall('linecard', $call, $fields, $answer, '', array_values($secrets));
        };
        $client = new Client(self::address($params), $key, $log, defined('LINECARD_TIMEOUT_MS') ? (int) LINECARD_TIMEOUT_MS : 12000);
        return new self($client, new Lines($client, self::name()), (int) ($params['serverid'] ?? 0));
    }

    /** Begins the references of this WHMCS: another name for each WHMCS that uses the same Linecard server. */
    private static function name(): string
    {
        return defined('LINECARD_SHOP') ? (string) LINECARD_SHOP : 'whmcs';
    }

    /** `https://HOST:PORT` of the server. */
    public static function address(array $params): string
    {
        $host = trim((string) ($params['serverhostname'] ?? '')) ?: trim((string) ($params['serverip'] ?? ''));
        if ($host === '') {
            return '';
        }
        if (str_contains($host, ':') && !str_starts_with($host, '[')) {
            $host = "[$host]";
        }
        $port = (string) ($params['serverport'] ?? '');
        return (empty($params['serversecure']) ? 'http' : 'https') . "://$host" . ($port === '' ? '' : ":$port");
    }

    /** Address, key and the right to lines. */
    public function test(): void
    {
        $this->client->call('line/list', ['limit' => 1]);
        $this->client->call('subscription_plans/list', ['limit' => 1]);
    }

    /** @return array<int, string> id => name */
    public function plans(): array
    {
        $plans = [];
        $after = 0;
        do {
            $page = $this->client->call('subscription_plans/list', ['after' => $after, 'limit' => 1000])['subscription_plans'];
            foreach ($page as $plan) {
                $plans[$after = $plan['id']] = $plan['name'];
            }
        } while (count($page) === 1000);
        return $plans;
    }

    /** Lines of active services of this server that end before they are paid to get the end that is paid. */
    public function catchUp(): void
    {
        $paid = [];
        $rows = Capsule::table('tblhosting')->where('server', $this->server)->where('domainstatus', 'Active')
            ->get(['id', 'packageid', 'username', 'nextduedate']);
        foreach ($rows as $row) {
            $paid[(string) $row->id] = (array) $row;
        }
        foreach ($this->lines->all() as $service => $line) {
            if (isset($paid[$service])) {
                $this->settle($paid[$service], $line);
            }
        }
    }

    /** @param array $row of tblhosting */
    private function settle(array $row, array $line): void
    {
        try {
            $end = self::options((int) $row['packageid'])->end($row['nextduedate']);
            if ($end !== null && $line['expire_date'] !== null && $line['expire_date'] < $end) {
                $this->lines->extend((string) $row['id'], new Owner(), $end);
            }
        } catch (Refused $refused) {
            logActivity("Linecard: the line of service $row[id] was not extended: " . $refused->getMessage());
        }
    }

    /** The options of a product. */
    public static function options(int $product): Options
    {
        return Options::of((array) Capsule::table('tblproducts')->where('id', $product)->first());
    }
}
