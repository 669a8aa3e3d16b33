<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace Linecard;

/**
 * The lines that a shop sold: each is found by the shop's own number of the service, its `reference`.
 *
 * Every act states how the line is to be, reads how it is and writes the difference, on condition that nobody
 * changed it since. So an act may be repeated at any time, and a request that comes late, after a newer act changed the line, is refused.
 */
final class Lines
{
    /** How often an act begins anew because the line was changed meanwhile, or was sold and deleted within a day. */
    private const ROUNDS = 20;

    /** @param string $shop begins references and keys, such as `whmcs`: another one for each shop that uses the server */
    public function __construct(private Client $client, private string $shop)
    {
        if (!preg_match('/^[A-Za-z0-9._-]{1,32}$/D', $shop)) {
            throw new Refused('The name of this shop must be 1 to 32 letters, digits and . _ -');
        }
    }

    public function reference(string $service): string
    {
        return "$this->shop-$service";
    }

    /**
     * The line of a service with its connections (`line_info`, `line_conn_info`), or null. Looking changes nothing.
     *
     * One that was made before the module came has no reference: it is known by its username and password, by both.
     *
     * @throws Refused the line with the reference is a stranger's
     */
    public function find(string $service, Owner $owner, bool $strictly = false): ?array
    {
        $found = $this->info(['reference' => $this->reference($service)]);
        if ($found !== null) {
            if ($owner->isAnother($found['line_info'], $strictly)) {
                throw new Refused(
                    "The reference {$this->reference($service)} belongs to the line {$found['line_info']['username']} of somebody else: "
                    . 'give each shop of this server a name of its own, or the service the username and password of that line'
                );
            }
            return $found;
        }
        if (!Credentials::fit($owner->username()) || $owner->password === '') {
            return null;
        }
        $old = $this->info(['username' => $owner->username(), 'password' => $owner->password]);
        return $old === null || $old['line_info']['reference'] !== '' ? null : $old;
    }

    /** As find(), for an act: a line that was there before gets the reference. */
    private function held(string $service, Owner $owner, bool $strictly = false): ?array
    {
        $found = $this->find($service, $owner, $strictly);
        if ($found === null || $found['line_info']['reference'] !== '') {
            return $found;
        }
        $line = $found['line_info'];
        $this->write($line, ['username' => $line['username']], 'adopt', $service, ['reference' => $this->reference($service)]);
        return $this->info(['reference' => $this->reference($service)]);
    }

    /**
     * Sells a line to a service, once however often it is asked, and returns it. A line that the service has
     * already becomes as `$data` says.
     *
     * @param array<string> $usernames tried in this order until one is free
     */
    public function sell(string $service, array $usernames, string $password, Owner $owner, array $data): array
    {
        $line = $this->held($service, $owner, true);
        $new = ['reference' => $this->reference($service), 'password' => $password] + $data;
        for ($round = 1; $line === null && $round <= self::ROUNDS; $round++) {
            $this->make($usernames, $new, "$this->shop-sell-$service-$round");
            // None: the answer was that of a line which was deleted since. The next round has another key.
            $line = $this->held($service, $owner, true);
        }
        if ($line === null) {
            throw new Refused("Service $service was sold and deleted too often today: try again tomorrow");
        }
        return $this->change($service, 'sell', ['disabled' => 0] + $data, $owner);
    }

    /**
     * Makes the line of a service as `$data` says: columns and values, or a function that gives them for the line
     * as it is. Returns it as it is then.
     *
     * @throws Refused there is none, too
     */
    public function change(string $service, string $event, array|callable $data, Owner $owner): array
    {
        for ($round = 1; $round <= self::ROUNDS; $round++) {
            $found = $this->held($service, $owner);
            if ($found === null) {
                throw new Refused("There is no line with the reference {$this->reference($service)}: it was deleted, or never created");
            }
            $line = $found['line_info'];
            $wanted = is_callable($data) ? $data($line) : $data;
            $differs = array_filter($wanted, fn ($value, $column) => !self::same($line[$column] ?? null, $value), ARRAY_FILTER_USE_BOTH);
            if ($differs === []) {
                return $found;
            }
            $this->write($line, ['reference' => $this->reference($service)], $event, $service, $differs);
        }
        throw new Refused("The line of service $service is being changed by others: try again in a moment");
    }

    /**
     * Lets the line of a service end at `$end` or later: never earlier, so that days given in the panel stay, and one without an
     * end stays so.
     *
     * @param array $more what changes beside
     */
    public function extend(string $service, Owner $owner, int $end, array $more = []): array
    {
        $later = static fn (array $line): array => $more + ($line['expire_date'] === null ? [] : ['expire_date' => max($line['expire_date'], $end)]);
        return $this->change($service, 'renew', $later, $owner);
    }

    /** What a plan (0 is none) and a number of connections (null: the plan's) mean for a line. */
    public function package(int $plan, ?int $connections): array
    {
        $data = $plan === 0 ? [] : ['subscription_plan_id' => $plan];
        if ($connections === null && $plan !== 0) {
            $connections = $this->client->call('subscription_plans/info', ['id' => $plan])['subscription_plan']['max_allowed_connections'];
        }
        return $data + ($connections === null ? [] : ['max_allowed_connections' => $connections]);
    }

    /** Deletes the line of a service; without one there is nothing to do. */
    public function delete(string $service, Owner $owner): void
    {
        for ($round = 1; $round <= self::ROUNDS; $round++) {
            $found = $this->held($service, $owner, true);
            if ($found === null) {
                return;
            }
            $seen = $found['line_info']['updated_at'];
            $this->unlessChanged('line/delete', [
                'reference' => $this->reference($service),
                'if_updated_at' => $seen,
            ], "$this->shop-delete-$service-{$found['line_info']['id']}-$seen");
        }
        throw new Refused("The line of service $service is being changed by others: try again in a moment");
    }

    /** Ends what is being watched with the line of a service; returns how many connections that were. */
    public function disconnect(string $service, Owner $owner): int
    {
        if ($this->held($service, $owner) === null) {
            throw new Refused("There is no line with the reference {$this->reference($service)}");
        }
        try {
            return count($this->client->call('connections/kill', ['reference' => $this->reference($service)])['killed']);
        } catch (Refused $refused) {
            if ($refused->getMessage() === 'Connection does not exist') {
                return 0;
            }
            throw $refused;
        }
    }

    /** @return \Generator<string, array> every line of the shop by its service, read in pages */
    public function all(): \Generator
    {
        $after = 0;
        do {
            $page = $this->client->call('line/list', ['after' => $after, 'limit' => 1000])['lines'];
            foreach ($page as $line) {
                $after = $line['id'];
                if (str_starts_with($line['reference'], "$this->shop-")) {
                    yield substr($line['reference'], strlen($this->shop) + 1) => $line;
                }
            }
        } while (count($page) === 1000);
    }

    private function info(array $by): ?array
    {
        try {
            return $this->client->call('line/info', $by);
        } catch (Refused $refused) {
            if ($refused->getMessage() === 'Wrong Username/Password.') {
                return null;
            }
            throw $refused;
        }
    }

    private function make(array $usernames, array $new, string $once): void
    {
        foreach ($usernames as $username) {
            try {
                $this->client->call('line/new', ['data' => ['username' => $username] + $new], $once);
                return;
            } catch (Refused $refused) {
                $why = $refused->getMessage();
                // Another request sold it meanwhile, or this key belongs to a sale of other terms today.
                if ($why === 'Reference exists.' || str_starts_with($why, 'This Idempotency-Key was used')) {
                    return;
                }
                if ($why !== 'Username exists.') {
                    throw $refused;
                }
            }
        }
        throw new Refused("The username $username is taken by a line of somebody else");
    }

    private function write(array $line, array $by, string $event, string $service, array $data): void
    {
        $once = implode('-', [$this->shop, $event, $service, $line['id'], $line['updated_at'], substr(hash('sha256', http_build_query($data)), 0, 16)]);
        $this->unlessChanged('line/update', $by + ['if_updated_at' => $line['updated_at'], 'data' => $data], $once);
    }

    /** The caller reads again and sees whether there is anything left to do. */
    private function unlessChanged(string $call, array $fields, string $once): void
    {
        try {
            $this->client->call($call, $fields, $once);
        } catch (Refused $refused) {
            if ($refused->getMessage() !== 'Changed meanwhile') {
                throw $refused;
            }
        }
    }

    private static function same(mixed $is, mixed $wanted): bool
    {
        return is_array($is) ? $is === (array) $wanted : (string) $is === (string) $wanted;
    }
}
