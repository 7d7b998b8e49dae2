-- While there is no admin, one row lets all nodes show the same one-time link.

-- +goose Up
CREATE TABLE first_admin_link (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    nonce   BYTEA NOT NULL, -- the link's token follows from it and from the nodes' shared key
    ends_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE first_admin_link;
