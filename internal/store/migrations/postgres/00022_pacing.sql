-- Calls whose customer is called before there is an agent, and the account of those that were abandoned.

-- +goose Up
ALTER TABLE attempts ADD COLUMN picked_up_at BIGINT; -- the customer answered, and waited for an agent; NULL: an agent was there first

CREATE TABLE pacing_minutes (
    campaign_id BIGINT NOT NULL,
    minute      BIGINT NOT NULL, -- its beginning
    connected   BIGINT NOT NULL DEFAULT 0, -- people who got an agent
    abandoned   BIGINT NOT NULL DEFAULT 0, -- people who did not
    hung_up     BIGINT NOT NULL DEFAULT 0, -- people who hung up before the patience was over
    machines    BIGINT NOT NULL DEFAULT 0,
    mistaken    BIGINT NOT NULL DEFAULT 0, -- people who were taken for machines
    PRIMARY KEY (campaign_id, minute)
);

-- +goose Down
DROP TABLE pacing_minutes;
ALTER TABLE attempts DROP COLUMN picked_up_at;
