<?php
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// scripts/pack-integrations puts the files that both modules share beside those of this folder.

declare(strict_types=1);

foreach (['Client', 'Credentials', 'DueDate', 'Lines', 'Owner', 'QrCode', 'Shown', 'Options', 'Shop', 'Service', 'Page'] as $file) {
    require_once __DIR__ . "/$file.php";
}
