-- Whose calls are whose, in their order; and from what to what somebody changed something.

-- +goose Up

-- An index of attempts by agent would make every claim write all indexes: this table is written once an attempt instead.
CREATE TABLE agent_calls (
    agent_id   BIGINT NOT NULL,
    attempt_id BIGINT NOT NULL,
    PRIMARY KEY (agent_id, attempt_id)
) WITHOUT ROWID;
INSERT INTO agent_calls (agent_id, attempt_id) SELECT agent_id, id FROM attempts WHERE agent_id IS NOT NULL;
-- +goose StatementBegin
CREATE TRIGGER attempts_agent_new AFTER INSERT ON attempts WHEN NEW.agent_id IS NOT NULL
BEGIN
    INSERT INTO agent_calls (agent_id, attempt_id) VALUES (NEW.agent_id, NEW.id) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attempts_agent_given AFTER UPDATE OF agent_id ON attempts WHEN NEW.agent_id IS NOT NULL AND NEW.agent_id IS NOT OLD.agent_id
BEGIN
    INSERT INTO agent_calls (agent_id, attempt_id) VALUES (NEW.agent_id, NEW.id) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
CREATE INDEX callbacks_agent ON callbacks (agent_id, at) WHERE done_at IS NULL;

ALTER TABLE audit ADD COLUMN before TEXT; -- JSON: what was changed, as it was; NULL: it was not there, or nobody says
ALTER TABLE audit ADD COLUMN after TEXT;
CREATE INDEX audit_object ON audit (object, id);

-- +goose Down
DROP INDEX audit_object;
DROP INDEX callbacks_agent;
ALTER TABLE audit DROP COLUMN after;
ALTER TABLE audit DROP COLUMN before;
DROP TRIGGER attempts_agent_given;
DROP TRIGGER attempts_agent_new;
DROP TABLE agent_calls;
