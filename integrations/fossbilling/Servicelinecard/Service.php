<?php
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// FOSSBilling product type for Linecard: docs/fossbilling.md.

declare(strict_types=1);

namespace Box\Mod\Servicelinecard;

use Linecard\Client;
use Linecard\Credentials;
use Linecard\Lines;
use Linecard\Owner;
use Linecard\Refused;
use Linecard\Shown;

foreach (['Client', 'Credentials', 'Lines', 'Owner', 'QrCode', 'Shown'] as $file) {
    require_once __DIR__ . "/lib/$file.php";
}

/**
 * Orders and the lines that they stand for. Orders come as beans, entities or arrays, by the version of FOSSBilling:
 * of what is handed in only the id is taken, the rest is read from the table.
 */
class Service implements \FOSSBilling\InjectionAwareInterface
{
    /** Seconds in which a client gets no second new password. */
    private const PAUSE = 30;
    /** Orders that one run of the cron looks at in one reading. */
    private const PAGE = 1000;

    protected ?\Pimple\Container $di = null;

    public function setDi(\Pimple\Container $di): void
    {
        $this->di = $di;
    }

    public function getDi(): ?\Pimple\Container
    {
        return $this->di;
    }

    public function install(): bool
    {
        $this->di['db']->exec('CREATE TABLE IF NOT EXISTS service_linecard (
            id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
            client_id BIGINT NOT NULL,
            username VARCHAR(64) NOT NULL DEFAULT \'\',
            created_at DATETIME NOT NULL,
            updated_at DATETIME NOT NULL,
            KEY service_linecard_client (client_id)
        ) DEFAULT CHARSET=utf8mb4');
        return true;
    }

    /** The table stays: orders point to its rows. */
    public function uninstall(): bool
    {
        return true;
    }

    /** What the product says goes before what comes with an order: a client must not choose a plan that he did not pay. */
    public function attachOrderConfig($product, array $data): array
    {
        $config = method_exists($product, 'getConfig') ? $product->getConfig() : $product->config;
        return $this->decoded($config) + array_diff_key($data, array_flip(['plan', 'connections', 'username', 'password', 'remove', 'prefix']));
    }

    public function validateOrderData(array &$data): bool
    {
        return true;
    }

    public function create($order)
    {
        $row = $this->order($order);
        $service = $this->di['db']->dispense('service_linecard');
        $service->client_id = $row['client_id'];
        $service->username = '';
        $service->created_at = $service->updated_at = date('Y-m-d H:i:s');
        $this->di['db']->store($service);
        return $service;
    }

    public function activate($order, $service = null)
    {
        $row = $this->order($order);
        $config = $this->decoded($row['config']);
        $own = $this->ownName($row);
        // Staff type both into the configuration of an order to take a line over that was there before.
        $asked = $this->text($config, 'username');
        $password = $this->text($config, 'password');
        $usernames = array_values(array_unique([Credentials::fit($asked) ? $asked : $own, $own, "$own-" . bin2hex(random_bytes(3))]));

        $lines = $this->lines();
        $data = $lines->package($this->number($config, 'plan') ?? 0, $this->number($config, 'connections'));
        $data['expire_date'] = $this->activatedUntil($row) ?? '';
        $data += $this->contact((int) $row['client_id']);
        $line = $lines->sell((string) $row['id'], $usernames, Credentials::fit($password) ? $password : Credentials::password(), $this->owner($row), $data)['line_info'];
        $this->remember($service, $line['username']);
        return ['username' => $line['username'], 'password' => $line['password']];
    }

    /**
     * FOSSBilling moves the order's end after this, and lifts a suspension without a word: so the line gets the end
     * that the order is going to have, and is enabled. The event after it brings what FOSSBilling wrote.
     */
    public function renew($order, $service = null): bool
    {
        $row = $this->order($order);
        $end = $this->renewedUntil($row);
        if ($end === null) {
            $this->change($row, 'renew', ['disabled' => 0, 'expire_date' => '']);
        } else {
            $this->lines()->extend((string) $row['id'], $this->owner($row), $end, ['disabled' => 0]);
        }
        return true;
    }

    public function suspend($order, $service = null): bool
    {
        $this->change($this->order($order), 'suspend', ['disabled' => 1]);
        return true;
    }

    public function unsuspend($order, $service = null): bool
    {
        $this->change($this->order($order), 'unsuspend', ['disabled' => 0]);
        return true;
    }

    public function cancel($order, $service = null): bool
    {
        $row = $this->order($order);
        // An order whose line is gone can be cancelled, too.
        if ($this->lines()->find((string) $row['id'], $this->owner($row)) !== null) {
            $this->change($row, 'cancel', ['disabled' => 1]);
        }
        return true;
    }

    public function uncancel($order, $service = null): bool
    {
        $this->change($this->order($order), 'uncancel', ['disabled' => 0]);
        return true;
    }

    public function delete($order, $service = null): bool
    {
        $row = $this->order($order);
        $config = $this->decoded($row['config']);
        if ($this->text($config, 'remove') === 'disable') {
            $this->cancel($order, $service);
        } else {
            $this->lines()->delete((string) $row['id'], $this->owner($row));
        }
        if (is_object($service)) {
            $this->di['db']->trash($service);
        }
        return true;
    }

    /** What the pages of an order show; a server that does not answer makes a sentence. */
    public function toApiArray($service, bool $deep = false, $identity = null): array
    {
        return ['id' => $service->id ?? null, 'username' => $service->username ?? ''];
    }

    /** @param array $row an order of this type */
    public function shown(array $row): array
    {
        try {
            $found = $this->lines()->find((string) $row['id'], $this->owner($row));
            if ($found === null) {
                return ['problem' => 'Your line is not set up yet.', 'line' => null];
            }
            $settings = $this->settings();
            $line = Shown::line($found, $this->text($settings, 'players') ?: $this->text($settings, 'url'), $this->text($settings, 'zone'));
            return ['problem' => '', 'line' => $line];
        } catch (\RuntimeException) {
            return ['problem' => 'The details of your line cannot be shown at the moment. Please try again later.', 'line' => null];
        }
    }

    public function newPassword(array $row): bool
    {
        $line = $this->lines()->find((string) $row['id'], $this->owner($row))['line_info'] ?? throw new Refused('There is no line of this order yet');
        if (time() - $line['updated_at'] < self::PAUSE) {
            throw new Refused('This line was changed a moment ago: please wait half a minute');
        }
        $this->change($row, 'password', ['password' => Credentials::password()]);
        return true;
    }

    public function changePassword(array $row, string $password): bool
    {
        if (!Credentials::fit($password)) {
            throw new Refused('Please choose a password of 1 to 64 letters, digits and - . _ ~ @');
        }
        $this->change($row, 'password', ['password' => $password]);
        return true;
    }

    /** FOSSBilling has no call for it: staff change the order's configuration, and then send it. */
    public function changePackage(array $row): bool
    {
        $config = $this->decoded($row['config']);
        $this->change($row, 'package', $this->lines()->package($this->number($config, 'plan') ?? 0, $this->number($config, 'connections')));
        return true;
    }

    public function disconnect(array $row): int
    {
        return $this->lines()->disconnect((string) $row['id'], $this->owner($row));
    }

    /** @return array<int, string> id => name */
    public function plans(): array
    {
        $plans = $this->client()->call('subscription_plans/list', ['limit' => 1000])['subscription_plans'];
        return array_column($plans, 'name', 'id');
    }

    public static function onAfterAdminOrderActivate(\Box_Event $event): void
    {
        self::after($event);
    }

    public static function onAfterAdminOrderRenew(\Box_Event $event): void
    {
        self::after($event);
    }

    /** Lines of active orders that end before they are paid to. */
    public static function onAfterAdminCronRun(\Box_Event $event): void
    {
        $self = new self();
        $self->setDi($event->getDi());
        try {
            $self->catchUp();
        } catch (\RuntimeException $problem) {
            $self->di['logger']->err('Linecard: the comparison of ends failed: ' . $problem->getMessage());
        }
    }

    /** An order of this type by its id, of this client only if one is given. */
    public function byId(int $id, ?int $client = null): array
    {
        $row = $this->di['db']->getRow('SELECT * FROM client_order WHERE id = :id AND service_type = :type', ['id' => $id, 'type' => 'linecard']);
        if (!$row || ($client !== null && (int) $row['client_id'] !== $client)) {
            throw new Refused('There is no such order');
        }
        return $row;
    }

    /** The end that FOSSBilling wrote, which is known only after it has. */
    private static function after(\Box_Event $event): void
    {
        $self = new self();
        $self->setDi($event->getDi());
        $id = (int) ($event->getParameters()['id'] ?? 0);
        try {
            $row = $self->di['db']->getRow('SELECT * FROM client_order WHERE id = :id AND service_type = :type', ['id' => $id, 'type' => 'linecard']);
            if ($row && !empty($row['expires_at'])) {
                $self->lines()->extend((string) $id, $self->owner($row), strtotime($row['expires_at']));
            }
        } catch (\RuntimeException $problem) {
            // The cron makes up for it.
            $self->di['logger']->err("Linecard: order $id was not compared: " . $problem->getMessage());
        }
    }

    private function catchUp(): void
    {
        $paid = [];
        for ($after = 0;; $after = (int) end($rows)['id']) {
            $rows = $this->di['db']->getAll(
                'SELECT id, expires_at FROM client_order WHERE service_type = :type AND status = :status AND id > :after ORDER BY id LIMIT ' . self::PAGE,
                ['type' => 'linecard', 'status' => 'active', 'after' => $after],
            );
            foreach ($rows as $row) {
                if (!empty($row['expires_at'])) {
                    $paid[(string) $row['id']] = strtotime($row['expires_at']);
                }
            }
            if (count($rows) < self::PAGE) {
                break;
            }
        }
        $lines = $this->lines();
        foreach ($paid === [] ? [] : $lines->all() as $order => $line) {
            if (isset($paid[$order]) && $line['expire_date'] !== null && $line['expire_date'] < $paid[$order]) {
                $lines->extend((string) $order, new Owner(), $paid[$order]);
            }
        }
    }

    private function change(array $row, string $event, array $data): void
    {
        $this->lines()->change((string) $row['id'], $event, $data, $this->owner($row));
    }

    /** The order's end, or a period from now if it has none yet; null for orders without a period. */
    private function activatedUntil(array $row): ?int
    {
        if (empty($row['period'])) {
            return null;
        }
        $end = empty($row['expires_at']) ? 0 : strtotime($row['expires_at']);
        return $end > time() ? $end : (int) $this->di['period']($row['period'])->getExpirationTime(time());
    }

    /** As FOSSBilling counts it: from the old end, from today, or from the later of both. */
    private function renewedUntil(array $row): ?int
    {
        if (empty($row['period'])) {
            return null;
        }
        $old = empty($row['expires_at']) ? time() : strtotime($row['expires_at']);
        $from = match ($this->di['mod_config']('order')['order_renewal_logic'] ?? '') {
            'from_today' => time(),
            'from_greater' => max($old, time()),
            default => $old,
        };
        return (int) $this->di['period']($row['period'])->getExpirationTime($from);
    }

    private function email(int $client): string
    {
        return (string) ($this->di['db']->getRow('SELECT email FROM client WHERE id = :id', ['id' => $client])['email'] ?? '');
    }

    private function contact(int $client): array
    {
        $email = $this->email($client);
        // FOSSBilling reminds its clients itself.
        return $email === '' ? [] : ['email' => $email, 'reminders' => 0];
    }

    private function remember($service, string $username): void
    {
        if (is_object($service) && ($service->username ?? '') !== $username) {
            $service->username = $username;
            $service->updated_at = date('Y-m-d H:i:s');
            $this->di['db']->store($service);
        }
    }

    private function order($order): array
    {
        $id = is_array($order) ? $order['id'] : (method_exists($order, 'getId') ? $order->getId() : $order->id);
        return $this->byId((int) $id);
    }

    /** What is known of the line: what staff typed to take one over, and what the module calls its own. */
    private function owner(array $row): Owner
    {
        $config = $this->decoded($row['config']);
        $names = [$this->text($config, 'username'), $this->ownName($row)];
        return new Owner($names, $this->text($config, 'password'), $this->email((int) $row['client_id']));
    }

    private function ownName(array $row): string
    {
        return ($this->text($this->decoded($row['config']), 'prefix') ?: 'tv') . $row['id'];
    }

    private function lines(): Lines
    {
        return new Lines($this->client(), $this->text($this->settings(), 'shop') ?: 'fossbilling');
    }

    private function client(): Client
    {
        $settings = $this->settings();
        $log = fn (string $call, array $fields, string $answer) => $this->di['logger']->debug("Linecard: $call " . json_encode($fields) . " $answer");
        $timeout = defined('LINECARD_TIMEOUT_MS') ? (int) LINECARD_TIMEOUT_MS : 12000;
        return new Client($this->text($settings, 'url'), $this->text($settings, 'key'), $log, $timeout);
    }

    private function settings(): array
    {
        return $this->di['mod_config']('servicelinecard') ?: [];
    }

    private function decoded($config): array
    {
        return is_array($config) ? $config : (json_decode((string) $config, true) ?: []);
    }

    private function text(array $from, string $name): string
    {
        return is_scalar($from[$name] ?? null) ? trim((string) $from[$name]) : '';
    }

    private function number(array $from, string $name): ?int
    {
        $text = $this->text($from, $name);
        if ($text !== '' && !preg_match('/^\d{1,9}$/D', $text)) {
            throw new Refused("$name of this product is no whole number: $text");
        }
        return $text === '' ? null : (int) $text;
    }
}
