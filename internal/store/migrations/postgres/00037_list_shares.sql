-- Lists of one campaign share the calls to those whom nobody has called yet: by weight, and by so many calls a day.

-- +goose Up
ALTER TABLE lists ADD COLUMN weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100);
ALTER TABLE lists ADD COLUMN quota INTEGER NOT NULL DEFAULT 0 CHECK (quota >= 0); -- calls a day; 0: no limit

-- Of a call to somebody whom nobody had called: by which list the person came, and the day by the clock of the campaign's zone.
ALTER TABLE attempts ADD COLUMN fresh_list BIGINT;
ALTER TABLE attempts ADD COLUMN fresh_day TEXT;

-- They are counted as 'fresh' (key: the day), from the plan on and without those that have ended before the customer was dialed. A
-- count outlives its attempts, and is forgotten some days later.
-- +goose StatementBegin
CREATE FUNCTION tally_fresh() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_moves (campaign_id, list_id, kind, key, n) VALUES (NEW.campaign_id, COALESCE(NEW.fresh_list, 0), 'fresh', NEW.fresh_day,
        CASE WHEN NEW.ended_at IS NULL OR NEW.dialed_at IS NOT NULL THEN 1 ELSE -1 END);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER attempts_fresh_new AFTER INSERT ON attempts FOR EACH ROW
    WHEN (NEW.fresh_day IS NOT NULL AND (NEW.ended_at IS NULL OR NEW.dialed_at IS NOT NULL)) EXECUTE FUNCTION tally_fresh();
CREATE TRIGGER attempts_fresh AFTER UPDATE OF ended_at, dialed_at ON attempts FOR EACH ROW
    WHEN (NEW.fresh_day IS NOT NULL AND (OLD.ended_at IS NULL OR OLD.dialed_at IS NOT NULL) <> (NEW.ended_at IS NULL OR NEW.dialed_at IS NOT NULL))
    EXECUTE FUNCTION tally_fresh();

CREATE INDEX contacts_fresh_list ON contacts (campaign_id, priority, (COALESCE(list_id, 0)), zone, place, id)
    WHERE state = 'waiting' AND callback_at IS NULL AND attempts = 0 AND NOT put_off;
CREATE INDEX contacts_put_off_list ON contacts (campaign_id, priority, (COALESCE(list_id, 0)), zone, next_at, place, id)
    WHERE state = 'waiting' AND callback_at IS NULL AND attempts = 0 AND put_off;

-- +goose Down
DROP INDEX contacts_put_off_list;
DROP INDEX contacts_fresh_list;
DROP TRIGGER attempts_fresh ON attempts;
DROP TRIGGER attempts_fresh_new ON attempts;
DROP FUNCTION tally_fresh();
DELETE FROM tally_moves WHERE kind = 'fresh';
DELETE FROM tallies WHERE kind = 'fresh';
ALTER TABLE attempts DROP COLUMN fresh_day;
ALTER TABLE attempts DROP COLUMN fresh_list;
ALTER TABLE lists DROP COLUMN quota;
ALTER TABLE lists DROP COLUMN weight;
