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
) WITHOUT ROWID;

INSERT INTO tallies (campaign_id, list_id, kind, key, n)
    SELECT campaign_id, COALESCE(list_id, 0), 'contacts', '', count(*) FROM contacts GROUP BY 1, 2
    UNION ALL SELECT campaign_id, COALESCE(list_id, 0), 'finished', reason, count(*) FROM contacts WHERE state = 'finished' GROUP BY 1, 2, 4
    UNION ALL SELECT campaign_id, 0, 'outcome', outcome, count(*) FROM attempts
        WHERE state = 'closed' AND (dialed_at IS NOT NULL OR outcome = 'agent_no_answer') GROUP BY 1, 4
    UNION ALL SELECT campaign_id, 0, 'code', code, count(*) FROM attempts WHERE state = 'closed' AND code <> '' GROUP BY 1, 4
    UNION ALL SELECT campaign_id, 0, 'dialed', '', count(*) FROM attempts WHERE state = 'closed' AND dialed_at IS NOT NULL GROUP BY 1
    UNION ALL SELECT campaign_id, 0, 'talk', '', sum(ended_at - answered_at) FROM attempts WHERE state = 'closed' AND answered_at IS NOT NULL GROUP BY 1;

-- A writer is alone here, so that the counts change where they are.
-- +goose StatementBegin
CREATE TRIGGER contacts_tally_new AFTER INSERT ON contacts
BEGIN
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, COALESCE(NEW.list_id, 0), 'contacts', '', 1 WHERE TRUE
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, COALESCE(NEW.list_id, 0), 'finished', NEW.reason, 1 WHERE NEW.state = 'finished'
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER contacts_tally_gone AFTER DELETE ON contacts
BEGIN
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, COALESCE(OLD.list_id, 0), 'contacts', '', -1 WHERE TRUE
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, COALESCE(OLD.list_id, 0), 'finished', OLD.reason, -1 WHERE OLD.state = 'finished'
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER contacts_tally_moved AFTER UPDATE OF campaign_id, list_id ON contacts
    WHEN OLD.campaign_id <> NEW.campaign_id OR OLD.list_id IS NOT NEW.list_id
BEGIN
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, COALESCE(OLD.list_id, 0), 'contacts', '', -1 WHERE TRUE
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, COALESCE(NEW.list_id, 0), 'contacts', '', 1 WHERE TRUE
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER contacts_tally AFTER UPDATE OF campaign_id, list_id, state, reason ON contacts
    WHEN (OLD.state = 'finished' OR NEW.state = 'finished') AND (OLD.campaign_id <> NEW.campaign_id OR OLD.list_id IS NOT NEW.list_id
        OR OLD.state <> NEW.state OR OLD.reason IS NOT NEW.reason)
BEGIN
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, COALESCE(OLD.list_id, 0), 'finished', OLD.reason, -1 WHERE OLD.state = 'finished'
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, COALESCE(NEW.list_id, 0), 'finished', NEW.reason, 1 WHERE NEW.state = 'finished'
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attempts_tally_new AFTER INSERT ON attempts WHEN NEW.state = 'closed'
BEGIN
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, 0, 'outcome', NEW.outcome, 1 WHERE NEW.state = 'closed' AND (NEW.dialed_at IS NOT NULL OR NEW.outcome = 'agent_no_answer')
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, 0, 'code', NEW.code, 1 WHERE NEW.state = 'closed' AND NEW.code <> ''
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, 0, 'dialed', '', 1 WHERE NEW.state = 'closed' AND NEW.dialed_at IS NOT NULL
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, 0, 'talk', '', (NEW.ended_at - NEW.answered_at) WHERE NEW.state = 'closed' AND NEW.answered_at IS NOT NULL
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attempts_tally_gone AFTER DELETE ON attempts WHEN OLD.state = 'closed'
BEGIN
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, 0, 'outcome', OLD.outcome, -1 WHERE OLD.state = 'closed' AND (OLD.dialed_at IS NOT NULL OR OLD.outcome = 'agent_no_answer')
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, 0, 'code', OLD.code, -1 WHERE OLD.state = 'closed' AND OLD.code <> ''
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, 0, 'dialed', '', -1 WHERE OLD.state = 'closed' AND OLD.dialed_at IS NOT NULL
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, 0, 'talk', '', -(OLD.ended_at - OLD.answered_at) WHERE OLD.state = 'closed' AND OLD.answered_at IS NOT NULL
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- A claim, the moment of dialing and the answer pass by: they change nothing of what has ended.
-- +goose StatementBegin
CREATE TRIGGER attempts_tally AFTER UPDATE OF campaign_id, state, outcome, code, dialed_at, answered_at, ended_at ON attempts
    WHEN OLD.state = 'closed' OR NEW.state = 'closed'
BEGIN
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, 0, 'outcome', OLD.outcome, -1 WHERE OLD.state = 'closed' AND (OLD.dialed_at IS NOT NULL OR OLD.outcome = 'agent_no_answer')
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, 0, 'code', OLD.code, -1 WHERE OLD.state = 'closed' AND OLD.code <> ''
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, 0, 'dialed', '', -1 WHERE OLD.state = 'closed' AND OLD.dialed_at IS NOT NULL
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT OLD.campaign_id, 0, 'talk', '', -(OLD.ended_at - OLD.answered_at) WHERE OLD.state = 'closed' AND OLD.answered_at IS NOT NULL
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, 0, 'outcome', NEW.outcome, 1 WHERE NEW.state = 'closed' AND (NEW.dialed_at IS NOT NULL OR NEW.outcome = 'agent_no_answer')
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, 0, 'code', NEW.code, 1 WHERE NEW.state = 'closed' AND NEW.code <> ''
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, 0, 'dialed', '', 1 WHERE NEW.state = 'closed' AND NEW.dialed_at IS NOT NULL
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
    INSERT INTO tallies (campaign_id, list_id, kind, key, n) SELECT NEW.campaign_id, 0, 'talk', '', (NEW.ended_at - NEW.answered_at) WHERE NEW.state = 'closed' AND NEW.answered_at IS NOT NULL
        ON CONFLICT (campaign_id, list_id, kind, key) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd

CREATE INDEX contacts_state ON contacts (campaign_id, state, id);

-- The words of contacts' names, in small letters: a search reads those that begin as its words do, in their order.
CREATE TABLE contact_words (
    word       TEXT NOT NULL,
    contact_id BIGINT NOT NULL,
    PRIMARY KEY (word, contact_id)
) WITHOUT ROWID;
CREATE INDEX contact_phones_end ON contact_phones (substr(number, -4), contact_id);
CREATE INDEX shared_phones_end ON shared_phones (substr(number, -4), contact_id);

-- +goose Down
DROP INDEX shared_phones_end;
DROP INDEX contact_phones_end;
DROP TABLE contact_words;
DELETE FROM sequences WHERE key = 'contact_words';
DROP INDEX contacts_state;
DROP TRIGGER attempts_tally;
DROP TRIGGER attempts_tally_gone;
DROP TRIGGER attempts_tally_new;
DROP TRIGGER contacts_tally;
DROP TRIGGER contacts_tally_moved;
DROP TRIGGER contacts_tally_gone;
DROP TRIGGER contacts_tally_new;
DROP TABLE tallies;
