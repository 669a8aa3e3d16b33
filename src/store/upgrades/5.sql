-- From schema 4 to 5: what attackers, faults and real lists asked for.

-- Settings.

-- Streams.

-- Plans and resellers.

-- Lines, MAGs and who was let in.

-- Administrators and their browsers.

-- Logs and open sessions.
