<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace Linecard;

/** When a line ends that is paid until a day. */
final class DueDate
{
    /**
     * The end in unix seconds: the midnight after that day and `$grace` more days, in `$zone` (empty: PHP's own).
     * Null for a service without a due date (`0000-00-00`).
     *
     * @param mixed $date `YYYY-MM-DD...` or a DateTimeInterface
     * @throws Refused no date was given, which is never taken for none
     */
    public static function end(mixed $date, int $grace, string $zone): ?int
    {
        $text = $date instanceof \DateTimeInterface ? $date->format('Y-m-d') : (is_string($date) ? $date : '');
        // Carbon shows 0000-00-00 as -0001-11-30.
        if (preg_match('/^(0000-00-00|-)/', $text)) {
            return null;
        }
        if (!preg_match('/^(\d{4})-(\d{2})-(\d{2})/', $text, $part) || !checkdate((int) $part[2], (int) $part[3], (int) $part[1])) {
            throw new Refused('The service has no due date that can be read: set its next due date');
        }
        try {
            $where = new \DateTimeZone($zone === '' ? date_default_timezone_get() : $zone);
        } catch (\Exception) {
            throw new Refused("There is no time zone $zone: a name such as Europe/Lisbon");
        }
        $day = new \DateTimeImmutable("$part[0] 00:00:00", $where);
        return $day->modify('+' . ($grace + 1) . ' days')->getTimestamp();
    }
}
