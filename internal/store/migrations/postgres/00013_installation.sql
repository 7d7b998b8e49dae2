-- Everything on a shared Redis is named by the installation. The name is made with this table, once, so that all nodes of one
-- database share it and no other does.

-- +goose Up
CREATE TABLE installation (
    id   BIGINT PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL
);
INSERT INTO installation (id, name) VALUES (1, 'rm-' || substr(replace(CAST(gen_random_uuid() AS TEXT), '-', ''), 1, 12));

-- +goose Down
DROP TABLE installation;
