<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace WHMCS\Module\Server\Linecard;

use Linecard\Shown;

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
        $options = Options::of($params);
        $base = $options->text('players') ?: Shop::address($params);
        return ['line' => Shown::line($found, $base, $options->text('zone'))] + $shown;
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
                'Line' => "$line[username] ($line[reference]), " . Shown::state($line),
                'Ends' => Shown::time($line['expire_date'], Options::of($params)->text('zone')),
                'Connections' => count($found['line_conn_info']) . " open, $line[max_allowed_connections] allowed",
            ];
        } catch (\Throwable $problem) {
            $fields = ['Line' => $problem->getMessage()];
        }
        return array_map(fn (string $text): string => htmlspecialchars($text, ENT_QUOTES, 'UTF-8'), $fields);
    }
}
