<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace Linecard;

/**
 * QR codes by ISO/IEC 18004, made here so that nobody else learns the addresses: bytes, error correction M,
 * versions 1 to 20, which hold 666 bytes.
 */
final class QrCode
{
    private const CHECKS_PER_BLOCK = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
    private const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
    /** Modules of white around it. */
    private const QUIET = 4;

    private int $size;
    /** @var array<int, array<int, int>> 1 is dark, by row and column */
    private array $dark = [];
    /** @var array<int, array<int, bool>> what is no data */
    private array $fixed = [];

    private function __construct(private int $version)
    {
        $this->size = 17 + 4 * $version;
        $this->dark = array_fill(0, $this->size, array_fill(0, $this->size, 0));
        $this->fixed = array_fill(0, $this->size, array_fill(0, $this->size, false));
    }

    /** A picture of the text as a `data:` address of an SVG, or an empty text if it is too long. */
    public static function image(string $text): string
    {
        $modules = self::modules($text);
        if ($modules === []) {
            return '';
        }
        $path = '';
        foreach ($modules as $y => $row) {
            foreach ($row as $x => $dark) {
                $path .= $dark ? 'M' . ($x + self::QUIET) . ' ' . ($y + self::QUIET) . 'h1v1h-1z' : '';
            }
        }
        $side = count($modules) + 2 * self::QUIET;
        $svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 $side $side\" shape-rendering=\"crispEdges\">"
            . "<path fill=\"#fff\" d=\"M0 0h{$side}v{$side}H0z\"/><path d=\"$path\"/></svg>";
        return 'data:image/svg+xml;base64,' . base64_encode($svg);
    }

    /** @return array<int, array<int, int>> rows of 1 (dark) and 0; none if the text is too long */
    public static function modules(string $text): array
    {
        for ($version = 1; $version <= count(self::BLOCKS); $version++) {
            $room = self::codewords($version) - self::BLOCKS[$version - 1] * self::CHECKS_PER_BLOCK[$version - 1];
            if (strlen($text) + ($version < 10 ? 2 : 3) <= $room) {
                return (new self($version))->draw(self::data($text, $version, $room));
            }
        }
        return [];
    }

    /** How many bytes a version has, checks included. */
    private static function codewords(int $version): int
    {
        $bits = (16 * $version + 128) * $version + 64;
        if ($version >= 2) {
            $lines = intdiv($version, 7) + 2;
            $bits -= (25 * $lines - 10) * $lines - 55;
        }
        return intdiv($version >= 7 ? $bits - 36 : $bits, 8);
    }

    /** @return array<int> mode, length, text and padding */
    private static function data(string $text, int $version, int $room): array
    {
        $bits = '0100' . sprintf($version < 10 ? '%08b' : '%016b', strlen($text));
        foreach (str_split($text) as $byte) {
            $bits .= sprintf('%08b', ord($byte));
        }
        $bits .= '0000';
        $bytes = array_map('bindec', str_split(str_pad($bits, 8 * (int) ceil(strlen($bits) / 8), '0'), 8));
        for ($pad = 0xEC; count($bytes) < $room; $pad ^= 0xEC ^ 0x11) {
            $bytes[] = $pad;
        }
        return $bytes;
    }

    private function draw(array $data): array
    {
        $this->patterns();
        $this->place($this->interleaved($data));
        $best = [];
        $least = PHP_INT_MAX;
        for ($mask = 0; $mask < 8; $mask++) {
            $modules = $this->masked($mask);
            $penalty = self::penalty($modules);
            if ($penalty < $least) {
                [$best, $least] = [$modules, $penalty];
            }
        }
        return $best;
    }

    /** Blocks with their checks, byte by byte in turn. */
    private function interleaved(array $data): array
    {
        $blocks = self::BLOCKS[$this->version - 1];
        $checks = self::CHECKS_PER_BLOCK[$this->version - 1];
        $short = intdiv(count($data), $blocks);
        $long = count($data) % $blocks;
        $parts = [];
        $ends = [];
        for ($block = 0, $from = 0; $block < $blocks; $block++) {
            $length = $short + ($block >= $blocks - $long ? 1 : 0);
            $parts[] = array_slice($data, $from, $length);
            $ends[] = self::checks(end($parts), $checks);
            $from += $length;
        }
        $all = [];
        foreach ([[$parts, $short + 1], [$ends, $checks]] as [$rows, $longest]) {
            for ($i = 0; $i < $longest; $i++) {
                foreach ($rows as $row) {
                    if (isset($row[$i])) {
                        $all[] = $row[$i];
                    }
                }
            }
        }
        return $all;
    }

    /** Reed-Solomon: the rest of the division by the product of (x - 2^i), in GF(256) with 0x11D. */
    private static function checks(array $data, int $count): array
    {
        $divisor = [1];
        for ($i = 0, $root = 1; $i < $count; $i++, $root = self::times($root, 2)) {
            $next = array_merge($divisor, [0]);
            foreach ($divisor as $j => $factor) {
                $next[$j + 1] ^= self::times($factor, $root);
            }
            $divisor = $next;
        }
        $rest = array_merge($data, array_fill(0, $count, 0));
        foreach (array_keys($data) as $i) {
            $lead = $rest[$i];
            foreach ($divisor as $j => $factor) {
                $rest[$i + $j] ^= self::times($factor, $lead);
            }
        }
        return array_slice($rest, count($data));
    }

    private static function times(int $a, int $b): int
    {
        for ($product = 0; $b > 0; $b >>= 1) {
            $product ^= ($b & 1) * $a;
            $a <<= 1;
            $a ^= ($a >> 8) * 0x11D;
        }
        return $product;
    }

    /** Finders, timing, alignment, and the places of format and version. */
    private function patterns(): void
    {
        $last = $this->size - 1;
        for ($i = 0; $i <= $last; $i++) {
            $this->fix($i, 6, 1 - $i % 2);
            $this->fix(6, $i, 1 - $i % 2);
        }
        foreach ([[3, 3], [3, $last - 3], [$last - 3, 3]] as [$y, $x]) {
            $this->square($y, $x, 4, [1, 1, 0, 1, 0]);
        }
        $centres = $this->centres();
        $far = end($centres);
        foreach ($centres as $y) {
            foreach ($centres as $x) {
                if (!(($y === 6 && ($x === 6 || $x === $far)) || ($y === $far && $x === 6))) {
                    $this->square($y, $x, 2, [1, 0, 1]);
                }
            }
        }
        $this->format(0, $this->dark);
        foreach ($this->formatPlaces() as $places) {
            foreach ($places as [$y, $x]) {
                $this->fixed[$y][$x] = true;
            }
        }
        $this->fix($last - 7, 8, 1);
        if ($this->version >= 7) {
            $bits = $this->version << 12 | self::remainder($this->version, 12, 0x1F25);
            for ($i = 0; $i < 18; $i++) {
                $this->fix(intdiv($i, 3), $last - 10 + $i % 3, $bits >> $i & 1);
                $this->fix($last - 10 + $i % 3, intdiv($i, 3), $bits >> $i & 1);
            }
        }
    }

    /** Rings around a centre, the innermost first. */
    private function square(int $y, int $x, int $reach, array $rings): void
    {
        for ($dy = -$reach; $dy <= $reach; $dy++) {
            for ($dx = -$reach; $dx <= $reach; $dx++) {
                if (isset($this->dark[$y + $dy][$x + $dx])) {
                    $this->fix($y + $dy, $x + $dx, $rings[max(abs($dy), abs($dx))]);
                }
            }
        }
    }

    private function centres(): array
    {
        if ($this->version === 1) {
            return [6];
        }
        $count = intdiv($this->version, 7) + 2;
        $step = 2 * (int) ceil((4 * $this->version + 4) / (2 * $count - 2));
        $centres = [6];
        for ($i = $count - 2; $i >= 0; $i--) {
            $centres[] = $this->size - 7 - $i * $step;
        }
        return $centres;
    }

    private function fix(int $y, int $x, int $dark): void
    {
        $this->dark[$y][$x] = $dark;
        $this->fixed[$y][$x] = true;
    }

    /** Where the 15 bits of the format stand, twice, the lowest first. */
    private function formatPlaces(): array
    {
        $last = $this->size - 1;
        $places = [[], []];
        for ($i = 0; $i < 15; $i++) {
            $places[0][] = match (true) {
                $i < 6 => [$i, 8],
                $i < 8 => [$i + 1, 8],
                $i === 8 => [8, 7],
                default => [8, 14 - $i],
            };
            $places[1][] = $i < 8 ? [8, $last - $i] : [$last - 14 + $i, 8];
        }
        return $places;
    }

    private function format(int $mask, array &$modules): void
    {
        // Correction M is 00.
        $bits = ($mask << 10 | self::remainder($mask, 10, 0x537)) ^ 0x5412;
        foreach ($this->formatPlaces() as $places) {
            foreach ($places as $i => [$y, $x]) {
                $modules[$y][$x] = $bits >> $i & 1;
            }
        }
    }

    /** Of the division of value * 2^bits by the polynomial, in GF(2). */
    private static function remainder(int $value, int $bits, int $polynomial): int
    {
        for ($rest = $value, $i = 0; $i < $bits; $i++) {
            $rest = $rest << 1 ^ ($rest >> ($bits - 1)) * $polynomial;
        }
        return $rest;
    }

    /** Data goes up and down in pairs of columns, from the right. */
    private function place(array $bytes): void
    {
        $bit = 0;
        $up = true;
        for ($right = $this->size - 1; $right > 0; $right -= 2, $up = !$up) {
            $right -= $right === 6 ? 1 : 0;
            for ($i = 0; $i < $this->size; $i++) {
                $y = $up ? $this->size - 1 - $i : $i;
                foreach ([$right, $right - 1] as $x) {
                    if (!$this->fixed[$y][$x] && $bit < 8 * count($bytes)) {
                        $this->dark[$y][$x] = $bytes[$bit >> 3] >> (7 - ($bit & 7)) & 1;
                        $bit++;
                    }
                }
            }
        }
    }

    private function masked(int $mask): array
    {
        $modules = $this->dark;
        foreach ($modules as $y => $row) {
            foreach ($row as $x => $dark) {
                $turned = match ($mask) {
                    0 => ($y + $x) % 2,
                    1 => $y % 2,
                    2 => $x % 3,
                    3 => ($y + $x) % 3,
                    4 => (intdiv($y, 2) + intdiv($x, 3)) % 2,
                    5 => $y * $x % 2 + $y * $x % 3,
                    6 => ($y * $x % 2 + $y * $x % 3) % 2,
                    7 => (($y + $x) % 2 + $y * $x % 3) % 2,
                } === 0;
                $modules[$y][$x] = $this->fixed[$y][$x] ? $dark : $dark ^ (int) $turned;
            }
        }
        $this->format($mask, $modules);
        return $modules;
    }

    /** How hard it is to read: runs, squares of one colour, what looks like a finder, too much of one colour. */
    private static function penalty(array $modules): int
    {
        $size = count($modules);
        $penalty = 0;
        foreach ([$modules, array_map(null, ...$modules)] as $rows) {
            foreach ($rows as $row) {
                $text = implode('', $row);
                preg_match_all('/0{5,}|1{5,}/', $text, $runs);
                foreach ($runs[0] as $run) {
                    $penalty += strlen($run) - 2;
                }
                $penalty += 40 * preg_match_all('/(?=00001011101|10111010000)/', $text);
            }
        }
        for ($y = 1; $y < $size; $y++) {
            for ($x = 1; $x < $size; $x++) {
                $sum = $modules[$y][$x] + $modules[$y - 1][$x] + $modules[$y][$x - 1] + $modules[$y - 1][$x - 1];
                $penalty += $sum % 4 === 0 ? 3 : 0;
            }
        }
        $percent = 100 * array_sum(array_map('array_sum', $modules)) / $size ** 2;
        return $penalty + 10 * (int) floor(abs($percent - 50) / 5);
    }
}
