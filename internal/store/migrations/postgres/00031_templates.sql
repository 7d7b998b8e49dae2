-- Campaigns' settings under a name, from which campaigns are made.

-- +goose Up
CREATE TABLE campaign_templates (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    settings   TEXT NOT NULL, -- JSON: of a campaign, with its mode, priority and call codes, without name and line
    made_by    TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE campaign_templates;
