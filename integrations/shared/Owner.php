<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace Linecard;

/**
 * What a shop knows of whoever has the line of a service. Two shops on one server that have the same name number their services
 * alike, so the line with a reference may be a stranger's.
 */
final class Owner
{
    /** @param array<string> $usernames that the line may have; none: not known */
    public function __construct(private array $usernames = [], public string $password = '', private string $email = '')
    {
        $this->usernames = array_values(array_filter($usernames, static fn (string $name): bool => $name !== ''));
    }

    /** The first of its usernames, or an empty text. */
    public function username(): string
    {
        return $this->usernames[0] ?? '';
    }

    /**
     * Whether a line is somebody else's, as far as it can be told. Staff may have renamed it, given it another password, or the
     * client another address: one thing that agrees is enough.
     *
     * @param bool $strictly also if the name is the only thing that agrees: two shops make it of the same number
     */
    public function isAnother(array $line, bool $strictly): bool
    {
        if ($this->password !== '' && $line['password'] === $this->password) {
            return false;
        }
        if ($this->email !== '' && strcasecmp($line['email'], $this->email) === 0) {
            return false;
        }
        // One that was taken got an ending.
        $plain = preg_replace('/-[0-9a-f]{6}$/D', '', $line['username']);
        $is = static fn (string $name): bool => strcasecmp($name, $line['username']) === 0 || strcasecmp($name, $plain) === 0;
        $named = array_filter($this->usernames, $is);
        if ($this->usernames !== [] && $named === []) {
            return $strictly || $this->password !== '';
        }
        return $strictly && $this->email !== '' && $line['email'] !== '';
    }
}
