<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace Box\Mod\Servicelinecard\Api;

/** What a client may do with the line of an own order; each call takes `order_id`. */
class Client extends \Api_Abstract
{
    public function get($data): array
    {
        return $this->told(fn () => $this->getService()->shown($this->own($data)));
    }

    public function new_password($data): bool
    {
        return $this->told(fn () => $this->getService()->newPassword($this->own($data, true)));
    }

    public function disconnect($data): int
    {
        return $this->told(fn () => $this->getService()->disconnect($this->own($data, true)));
    }

    /** How the server is set up, and where it is, is not for clients. */
    private function told(callable $act): mixed
    {
        try {
            return $act();
        } catch (\RuntimeException $problem) {
            $forClients = $problem instanceof \Linecard\Refused && $problem->isForClients();
            throw new \FOSSBilling\InformationException($forClients ? $problem->getMessage() : 'This is not possible at the moment. Please try again later.');
        }
    }

    private function own($data, bool $active = false): array
    {
        $client = $this->getIdentity();
        $id = method_exists($client, 'getId') ? $client->getId() : $client->id;
        $row = $this->getService()->byId((int) ($data['order_id'] ?? 0), (int) $id);
        if ($active && $row['status'] !== 'active') {
            throw new \FOSSBilling\InformationException('This order is not active');
        }
        return $row;
    }
}
