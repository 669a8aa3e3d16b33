<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace WHMCS\Module\Server\Linecard;

use Linecard\Credentials;
use Linecard\QrCode;

/** What the pages of a service show of its line. */
final class Page
{
    /** For templates/line.tpl. A server that does not answer makes a sentence, no broken page. */
    public static function variables(array $params): array
    {
        $shown = ['problem' => '', 'service' => (string) ($params['serviceid'] ?? ''), 'line' => null];
        try {
            $service = new Service($params);
            $found = $service->look();
            if ($found === null) {
                return ['problem' => 'Your line is not set up yet.'] + $shown;
            }
            $service->keep($found['line_info']);
        } catch (\Throwable) {
            return ['problem' => 'The details of your line cannot be shown at the moment. Please try again later.'] + $shown;
        }
        $line = $found['line_info'];
        $options = Options::of($params);
        $base = $options->text('players') ?: Shop::address($params);
        return [
            'line' => [
                'username' => $line['username'],
                'password' => $line['password'],
                'state' => self::state($line),
                'works' => self::state($line) === 'active',
                'ends' => self::time($line['expire_date'], $options->text('zone')),
                'connections' => (int) $line['max_allowed_connections'],
                'open' => array_map(fn (array $one): array => [
                    'what' => $one['stream_name'],
                    'from' => $one['ip'],
                    'with' => $one['user_agent'],
                    'since' => self::time($one['started_at'], $options->text('zone')),
                ], $found['line_conn_info']),
                'addresses' => $addresses = Credentials::addresses($base, $line['username'], $line['password']),
                'qr' => QrCode::image($addresses['playlist']),
            ],
        ] + $shown;
    }

    /** label => HTML, for staff. */
    public static function staff(array $params): array
    {
        try {
            $found = (new Service($params))->look();
            if ($found === null) {
                return ['Line' => 'none with this reference or username'];
            }
            $line = $found['line_info'];
            $fields = [
                'Line' => "$line[username] ($line[reference]), " . self::state($line),
                'Ends' => self::time($line['expire_date'], Options::of($params)->text('zone')),
                'Connections' => count($found['line_conn_info']) . " open, $line[max_allowed_connections] allowed",
            ];
        } catch (\Throwable $problem) {
            $fields = ['Line' => $problem->getMessage()];
        }
        return array_map(fn (string $text): string => htmlspecialchars($text, ENT_QUOTES, 'UTF-8'), $fields);
    }

    private static function state(array $line): string
    {
        return match (true) {
            (bool) $line['banned'] => 'banned',
            (bool) $line['disabled'] => 'suspended',
            $line['expire_date'] !== null && $line['expire_date'] <= time() => 'expired',
            default => 'active',
        };
    }

    private static function time(?int $at, string $zone): string
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
