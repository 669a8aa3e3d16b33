<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace Linecard;

/** What a client sees of a line. */
final class Shown
{
    /**
     * @param array $found what Lines::find gives
     * @param string $base what the addresses begin with
     */
    public static function line(array $found, string $base, string $zone): array
    {
        $line = $found['line_info'];
        $addresses = Credentials::addresses($base, $line['username'], $line['password']);
        return [
            'username' => $line['username'],
            'password' => $line['password'],
            'state' => self::state($line),
            'works' => self::state($line) === 'active',
            'ends' => self::time($line['expire_date'], $zone),
            'connections' => (int) $line['max_allowed_connections'],
            'open' => array_map(fn (array $one): array => [
                'what' => $one['stream_name'],
                'from' => $one['ip'],
                'with' => $one['user_agent'],
                'since' => self::time($one['started_at'], $zone),
            ], $found['line_conn_info']),
            'addresses' => $addresses,
            'qr' => QrCode::image($addresses['playlist']),
        ];
    }

    public static function state(array $line): string
    {
        return match (true) {
            (bool) $line['banned'] => 'banned',
            (bool) $line['disabled'] => 'suspended',
            $line['expire_date'] !== null && $line['expire_date'] <= time() => 'expired',
            default => 'active',
        };
    }

    public static function time(?int $at, string $zone): string
    {
        if ($at === null) {
            return 'never';
        }
        try {
            $where = new \DateTimeZone($zone ?: date_default_timezone_get());
        } catch (\Exception) {
            $where = new \DateTimeZone('UTC');
        }
        return (new \DateTimeImmutable("@$at"))->setTimezone($where)->format('Y-m-d H:i T');
    }
}
