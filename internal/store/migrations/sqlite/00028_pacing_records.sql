-- Days of campaigns whose calls run ahead of their agents, as the pacing has seen them, to be played again with other settings.

-- +goose Up
CREATE TABLE pacing_records (
    campaign_id BIGINT NOT NULL,
    begin_at    BIGINT NOT NULL,
    node        TEXT NOT NULL,
    body        BLOB NOT NULL, -- a packed record of a minute or so: neither numbers nor names
    PRIMARY KEY (campaign_id, begin_at, node)
);
CREATE INDEX pacing_records_begin ON pacing_records (begin_at);

-- +goose Down
DROP TABLE pacing_records;
