-- From schema 5 to 6: codes beside words.

-- "Why can't this subscriber watch?" looks for this one; older rows of other reasons stay without a code.
ALTER TABLE refusal_log ADD COLUMN code TEXT;
UPDATE refusal_log SET code = 'device' WHERE reason = 'the MAG is bound to another device: mag/reset_device lets this one in';
