<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace WHMCS\Module\Server\Linecard;

use Linecard\DueDate;
use Linecard\Refused;

/** The module's options of a product, as linecard_ConfigOptions orders them. */
final class Options
{
    private const NAMES = ['plan', 'connections', 'grace', 'zone', 'dateless', 'terminate', 'reseller', 'players', 'prefix'];

    /** @param array<string, string> $values by name */
    private function __construct(private array $values)
    {
    }

    /** @param array $row what has `configoption1` and so on: $params, or a product's row */
    public static function of(array $row): self
    {
        $values = [];
        foreach (self::NAMES as $place => $name) {
            $value = $row['configoption' . ($place + 1)] ?? '';
            $values[$name] = is_scalar($value) ? trim((string) $value) : '';
        }
        // What the client chose goes before what the product says.
        $chosen = $row['configoptions']['Connections'] ?? '';
        if (is_scalar($chosen) && trim((string) $chosen) !== '') {
            $values['connections'] = trim((string) $chosen);
        }
        return new self($values);
    }

    public function text(string $name): string
    {
        return $this->values[$name];
    }

    /** Null if empty. */
    public function number(string $name): ?int
    {
        $text = $this->values[$name];
        if ($text === '') {
            return null;
        }
        if (!preg_match('/^\d{1,9}$/D', $text)) {
            throw new Refused("The module's option $name of this product is no whole number: $text");
        }
        return (int) $text;
    }

    /** When a service with this due date ends, unix seconds; null if it has no due date. */
    public function end(mixed $due): ?int
    {
        return DueDate::end($due, $this->number('grace') ?? 0, $this->text('zone'));
    }

    public function endsAsPlan(): bool
    {
        return $this->text('dateless') === 'plan';
    }
}
