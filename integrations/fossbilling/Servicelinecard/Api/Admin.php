<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace Box\Mod\Servicelinecard\Api;

/** What staff may do with the line of an order; each call but `plans` takes `order_id`. */
class Admin extends \Api_Abstract
{
    public function plans($data = []): array
    {
        return $this->getService()->plans();
    }

    public function get($data): array
    {
        return $this->getService()->shown($this->order($data));
    }

    /** Plan and connections as the order's configuration has them now. */
    public function change_package($data): bool
    {
        return $this->getService()->changePackage($this->order($data));
    }

    public function change_password($data): bool
    {
        return $this->getService()->changePassword($this->order($data), (string) ($data['password'] ?? ''));
    }

    public function disconnect($data): int
    {
        return $this->getService()->disconnect($this->order($data));
    }

    private function order($data): array
    {
        return $this->getService()->byId((int) ($data['order_id'] ?? 0));
    }
}
