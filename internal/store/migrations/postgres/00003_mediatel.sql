-- How agents enter a Mediatel server whose phones we use.

-- +goose Up
CREATE TABLE mediatel_logins (
    agent_id  BIGINT PRIMARY KEY,
    login     TEXT NOT NULL,
    extension TEXT NOT NULL, -- '' for the name of the agent's extension here
    sealed    BYTEA NOT NULL -- the password, encrypted by a key that is not in the database
);

-- +goose Down
DROP TABLE mediatel_logins;
