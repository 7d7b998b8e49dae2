-- By which list a contact came; imports that wait to be committed or may be resumed, with their files; and lines that were refused.

-- +goose Up
CREATE TABLE lists (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    campaign_id BIGINT NOT NULL,
    name        TEXT NOT NULL,
    made_by     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    closed_at   BIGINT, -- nobody who came by it is dialed any more
    closed_by   TEXT NOT NULL DEFAULT '',
    UNIQUE (campaign_id, name)
);
CREATE TABLE imports (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    campaign_id BIGINT NOT NULL,
    list        TEXT NOT NULL, -- its name
    list_id     BIGINT,        -- NULL: nobody came by it yet
    choice      TEXT NOT NULL CHECK (choice IN ('new', 'update', 'add_phones', 'replace')),
    state       TEXT NOT NULL CHECK (state IN ('receiving', 'checked', 'running', 'done', 'broken')),
    kept        BOOLEAN NOT NULL, -- import_parts has its file
    reading     TEXT NOT NULL,    -- how it is to be read, JSON
    about       TEXT NOT NULL,    -- what it is taken for, JSON
    bytes       BIGINT NOT NULL,  -- of the file; 0: not known
    done        BIGINT NOT NULL,  -- bytes read
    lines       BIGINT NOT NULL,  -- the last line that is stored, or was checked
    report      TEXT NOT NULL,    -- counts and examples, JSON
    problem     TEXT NOT NULL,    -- why it is broken
    made_by     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,  -- when file and refused lines are forgotten
    fence       BIGINT NOT NULL,  -- of its run: a later one keeps the one before from writing
    lease_until BIGINT            -- of its run
);
CREATE INDEX imports_campaign ON imports (campaign_id, id);
CREATE TABLE import_parts (
    import_id BIGINT NOT NULL,
    n         INTEGER NOT NULL,
    data      BLOB NOT NULL,
    PRIMARY KEY (import_id, n)
);
CREATE TABLE import_refusals (
    import_id BIGINT NOT NULL,
    line      BIGINT NOT NULL,
    code      TEXT NOT NULL,
    why       TEXT NOT NULL,
    raw       TEXT NOT NULL, -- the line as the list has it
    PRIMARY KEY (import_id, line)
);
ALTER TABLE contacts ADD COLUMN list_id BIGINT;
CREATE INDEX contacts_list ON contacts (list_id, id) WHERE list_id IS NOT NULL;

-- +goose Down
DROP INDEX contacts_list;
ALTER TABLE contacts DROP COLUMN list_id;
DROP TABLE import_refusals;
DROP TABLE import_parts;
DROP TABLE imports;
DROP TABLE lists;
