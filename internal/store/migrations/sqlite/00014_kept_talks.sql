-- By what a phone network can end a talk whose process was lost: of SIP, what makes its dialogs. A row is there for as long as its talk.

-- +goose Up
CREATE TABLE kept_talks (
    attempt_id BIGINT PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
    node       TEXT NOT NULL, -- the process's name
    owner      TEXT NOT NULL, -- and which of its lives
    network    TEXT NOT NULL,
    kept       TEXT NOT NULL
);
CREATE INDEX kept_talks_node ON kept_talks (node);

-- +goose Down
DROP TABLE kept_talks;
