-- What campaigns have come to is counted as it happens; and contacts are found by state, by the words of their names and by the end of
-- a number.

-- +goose Up

-- Counts of contacts and of attempts that have ended: those that are in a call are few, and are counted when somebody asks.
CREATE TABLE tallies (
    campaign_id BIGINT NOT NULL,
    list_id     BIGINT NOT NULL, -- of contacts: by which they came; 0: none
    kind        TEXT NOT NULL,   -- 'contacts', 'finished' (key: why), 'outcome', 'code', 'dialed', 'talk' (milliseconds)
    key         TEXT NOT NULL,
    n           BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, list_id, kind, key)
);

-- A change appends to it, so that no two transactions wait for one row; whoever folds adds what is here to tallies.
CREATE TABLE tally_moves (
    campaign_id BIGINT NOT NULL,
    list_id     BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    key         TEXT NOT NULL,
    n           BIGINT NOT NULL
);

INSERT INTO tallies (campaign_id, list_id, kind, key, n)
    SELECT campaign_id, COALESCE(list_id, 0), 'contacts', '', count(*) FROM contacts GROUP BY 1, 2
    UNION ALL SELECT campaign_id, COALESCE(list_id, 0), 'finished', reason, count(*) FROM contacts WHERE state = 'finished' GROUP BY 1, 2, 4
    UNION ALL SELECT campaign_id, 0, 'outcome', outcome, count(*) FROM attempts
        WHERE state = 'closed' AND (dialed_at IS NOT NULL OR outcome = 'agent_no_answer') GROUP BY 1, 4
    UNION ALL SELECT campaign_id, 0, 'code', code, count(*) FROM attempts WHERE state = 'closed' AND code <> '' GROUP BY 1, 4
    UNION ALL SELECT campaign_id, 0, 'dialed', '', count(*) FROM attempts WHERE state = 'closed' AND dialed_at IS NOT NULL GROUP BY 1
    UNION ALL SELECT campaign_id, 0, 'talk', '', sum(ended_at - answered_at) FROM attempts WHERE state = 'closed' AND answered_at IS NOT NULL GROUP BY 1;

-- +goose StatementBegin
CREATE FUNCTION tally_new_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_moves (campaign_id, list_id, kind, key, n)
        SELECT campaign_id, COALESCE(list_id, 0), 'contacts', '', count(*) FROM fresh GROUP BY 1, 2
        UNION ALL SELECT campaign_id, COALESCE(list_id, 0), 'finished', reason, count(*) FROM fresh WHERE state = 'finished' GROUP BY 1, 2, 4;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION tally_gone_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_moves (campaign_id, list_id, kind, key, n)
        SELECT campaign_id, COALESCE(list_id, 0), 'contacts', '', -count(*) FROM gone GROUP BY 1, 2
        UNION ALL SELECT campaign_id, COALESCE(list_id, 0), 'finished', reason, -count(*) FROM gone WHERE state = 'finished' GROUP BY 1, 2, 4;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION tally_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.campaign_id <> NEW.campaign_id OR OLD.list_id IS DISTINCT FROM NEW.list_id THEN
        INSERT INTO tally_moves (campaign_id, list_id, kind, key, n) VALUES
            (OLD.campaign_id, COALESCE(OLD.list_id, 0), 'contacts', '', -1), (NEW.campaign_id, COALESCE(NEW.list_id, 0), 'contacts', '', 1);
    END IF;
    IF OLD.state = 'finished' THEN
        INSERT INTO tally_moves (campaign_id, list_id, kind, key, n) VALUES (OLD.campaign_id, COALESCE(OLD.list_id, 0), 'finished', OLD.reason, -1);
    END IF;
    IF NEW.state = 'finished' THEN
        INSERT INTO tally_moves (campaign_id, list_id, kind, key, n) VALUES (NEW.campaign_id, COALESCE(NEW.list_id, 0), 'finished', NEW.reason, 1);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER contacts_tally_new AFTER INSERT ON contacts REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_contacts();
CREATE TRIGGER contacts_tally_gone AFTER DELETE ON contacts REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION tally_gone_contacts();
CREATE TRIGGER contacts_tally AFTER UPDATE OF campaign_id, list_id, state, reason ON contacts FOR EACH ROW
    WHEN (OLD.campaign_id <> NEW.campaign_id OR OLD.list_id IS DISTINCT FROM NEW.list_id OR (OLD.state = 'finished') <> (NEW.state = 'finished')
        OR NEW.state = 'finished' AND OLD.reason IS DISTINCT FROM NEW.reason) EXECUTE FUNCTION tally_contact();

-- +goose StatementBegin
CREATE FUNCTION tally_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.state = 'closed' THEN
        INSERT INTO tally_moves (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, 0, v.kind, v.key, -v.n FROM (VALUES
            ('outcome', OLD.outcome, CASE WHEN OLD.dialed_at IS NOT NULL OR OLD.outcome = 'agent_no_answer' THEN 1 ELSE 0 END),
            ('code', COALESCE(OLD.code, ''), CASE WHEN OLD.code <> '' THEN 1 ELSE 0 END),
            ('dialed', '', CASE WHEN OLD.dialed_at IS NOT NULL THEN 1 ELSE 0 END),
            ('talk', '', COALESCE(OLD.ended_at - OLD.answered_at, 0))) AS v (kind, key, n) WHERE v.n <> 0;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.state = 'closed' THEN
        INSERT INTO tally_moves (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, 0, v.kind, v.key, v.n FROM (VALUES
            ('outcome', NEW.outcome, CASE WHEN NEW.dialed_at IS NOT NULL OR NEW.outcome = 'agent_no_answer' THEN 1 ELSE 0 END),
            ('code', COALESCE(NEW.code, ''), CASE WHEN NEW.code <> '' THEN 1 ELSE 0 END),
            ('dialed', '', CASE WHEN NEW.dialed_at IS NOT NULL THEN 1 ELSE 0 END),
            ('talk', '', COALESCE(NEW.ended_at - NEW.answered_at, 0))) AS v (kind, key, n) WHERE v.n <> 0;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- A claim, the moment of dialing and the answer pass by: they change nothing of what has ended.
CREATE TRIGGER attempts_tally_new AFTER INSERT ON attempts FOR EACH ROW WHEN (NEW.state = 'closed') EXECUTE FUNCTION tally_attempt();
CREATE TRIGGER attempts_tally_gone AFTER DELETE ON attempts FOR EACH ROW WHEN (OLD.state = 'closed') EXECUTE FUNCTION tally_attempt();
CREATE TRIGGER attempts_tally AFTER UPDATE ON attempts FOR EACH ROW WHEN ((OLD.state = 'closed' OR NEW.state = 'closed') AND
    (OLD.campaign_id, OLD.state, OLD.outcome, OLD.code, OLD.dialed_at, OLD.answered_at, OLD.ended_at) IS DISTINCT FROM
    (NEW.campaign_id, NEW.state, NEW.outcome, NEW.code, NEW.dialed_at, NEW.answered_at, NEW.ended_at)) EXECUTE FUNCTION tally_attempt();

CREATE INDEX contacts_state ON contacts (campaign_id, state, id);

-- The words of contacts' names, in small letters: a search reads those that begin as its words do, in their order.
CREATE TABLE contact_words (
    word       TEXT COLLATE "C" NOT NULL,
    contact_id BIGINT NOT NULL,
    PRIMARY KEY (word, contact_id)
);
CREATE INDEX contact_phones_end ON contact_phones (right(number, 4), contact_id);
CREATE INDEX shared_phones_end ON shared_phones (right(number, 4), contact_id);

-- +goose Down
DROP INDEX shared_phones_end;
DROP INDEX contact_phones_end;
DROP TABLE contact_words;
DELETE FROM sequences WHERE key = 'contact_words';
DROP INDEX contacts_state;
DROP TRIGGER attempts_tally ON attempts;
DROP TRIGGER attempts_tally_gone ON attempts;
DROP TRIGGER attempts_tally_new ON attempts;
DROP TRIGGER contacts_tally ON contacts;
DROP TRIGGER contacts_tally_gone ON contacts;
DROP TRIGGER contacts_tally_new ON contacts;
DROP FUNCTION tally_attempt();
DROP FUNCTION tally_contact();
DROP FUNCTION tally_gone_contacts();
DROP FUNCTION tally_new_contacts();
DROP TABLE tally_moves;
DROP TABLE tallies;
