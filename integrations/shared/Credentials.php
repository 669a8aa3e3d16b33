<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace Linecard;

/** What usernames and passwords of lines may be: both stand in addresses. */
final class Credentials
{
    public static function fit(string $text): bool
    {
        return preg_match('/^[A-Za-z0-9._~@-]{1,64}$/D', $text) === 1;
    }

    /** A password of 12 letters and digits, without those that are mistaken for others on a television. */
    public static function password(): string
    {
        $signs = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
        $password = '';
        for ($i = 0; $i < 12; $i++) {
            $password .= $signs[random_int(0, strlen($signs) - 1)];
        }
        return $password;
    }

    /** Where a line is watched, by what players ask for. */
    public static function addresses(string $base, string $username, string $password): array
    {
        $base = rtrim($base, '/');
        $query = http_build_query(['username' => $username, 'password' => $password]);
        return [
            'server' => $base,
            'playlist' => "$base/get.php?$query&type=m3u_plus&output=ts",
            'playlist_hls' => "$base/get.php?$query&type=m3u_plus&output=m3u8",
            'guide' => "$base/xmltv.php?$query",
        ];
    }
}
