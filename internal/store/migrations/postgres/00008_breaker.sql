-- An endpoint that fails is asked by one request at a time, by whichever node; nothing of it waits longer than it is away.

-- +goose Up
ALTER TABLE endpoints ADD COLUMN worked_at BIGINT; -- when it last began to work again
ALTER TABLE endpoints ADD COLUMN probe_at BIGINT;  -- while it fails: when one request may ask again
ALTER TABLE endpoints ADD COLUMN strikes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN told_at BIGINT;   -- while it fails: when the others were told
ALTER TABLE endpoints ADD COLUMN error TEXT NOT NULL DEFAULT '';
ALTER TABLE endpoints ADD COLUMN slot_at BIGINT;   -- Unix microseconds: the next free place in its rate
ALTER TABLE deliveries ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN failed_at BIGINT; -- by what may be this event's own fault
CREATE INDEX deliveries_oldest ON deliveries (endpoint_id, id) WHERE state = 'pending';
CREATE INDEX deliveries_failed ON deliveries (endpoint_id, failed_at) WHERE state = 'pending' AND failed_at IS NOT NULL;
UPDATE endpoints SET strikes = 5, probe_at = failing_at, told_at = failing_at WHERE failing_at IS NOT NULL;
UPDATE deliveries SET next_at = created_at WHERE state = 'pending';

-- +goose Down
DROP INDEX deliveries_failed;
DROP INDEX deliveries_oldest;
ALTER TABLE deliveries DROP COLUMN failed_at;
ALTER TABLE deliveries DROP COLUMN refusals;
ALTER TABLE endpoints DROP COLUMN slot_at;
ALTER TABLE endpoints DROP COLUMN error;
ALTER TABLE endpoints DROP COLUMN told_at;
ALTER TABLE endpoints DROP COLUMN strikes;
ALTER TABLE endpoints DROP COLUMN probe_at;
ALTER TABLE endpoints DROP COLUMN worked_at;
