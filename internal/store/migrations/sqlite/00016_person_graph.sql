-- Restrictions travel with the person: whose numbers are whose in all campaigns, who is the same person, and what happened elsewhere.

-- +goose Up
CREATE INDEX contacts_person ON contacts (crm_id) WHERE crm_id <> '';
CREATE INDEX contact_phones_number ON contact_phones (number);

-- Numbers of a contact that contact_phones knows as another one's: two people on one number.
CREATE TABLE shared_phones (
    number     TEXT NOT NULL,
    contact_id BIGINT NOT NULL,
    PRIMARY KEY (number, contact_id)
);
INSERT INTO shared_phones (number, contact_id)
SELECT DISTINCT e.value ->> 'number', c.id FROM contacts c, json_each(c.phones) AS e
WHERE NOT EXISTS (SELECT 1 FROM contact_phones p
    WHERE p.campaign_id = c.campaign_id AND p.number = e.value ->> 'number' AND p.contact_id = c.id);

-- CRM ids of one person, all by the same root, which is one of them and has a row too. Open attempts have the root as their person.
CREATE TABLE merged_people (
    crm_id TEXT PRIMARY KEY,
    root   TEXT NOT NULL
);
CREATE INDEX merged_people_root ON merged_people (root);

-- When something was last recorded of a person (the root) or a number that may forbid what was planned before.
CREATE TABLE person_changes (
    key TEXT PRIMARY KEY,
    at  BIGINT NOT NULL
);
CREATE INDEX person_changes_at ON person_changes (at);

-- Contacts with a person that happened outside of our calls.
CREATE TABLE interactions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    external_id TEXT NOT NULL UNIQUE, -- the CRM's
    kind        TEXT NOT NULL CHECK (kind IN ('call', 'inbound_call', 'sms', 'letter', 'visit')),
    crm_id      TEXT, -- NULL: known by the number alone
    number      TEXT, -- E.164
    at          BIGINT NOT NULL,
    ring_ms     BIGINT NOT NULL CHECK (ring_ms >= 0),
    talk_ms     BIGINT NOT NULL CHECK (talk_ms >= 0),
    automatic   BOOLEAN NOT NULL,
    meaningful  BOOLEAN, -- NULL: nobody has said
    note        TEXT NOT NULL,
    made_by     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    CHECK (crm_id IS NOT NULL OR number IS NOT NULL)
);
CREATE INDEX interactions_person ON interactions (crm_id, at) WHERE crm_id IS NOT NULL;
CREATE INDEX interactions_number ON interactions (number, at) WHERE number IS NOT NULL;

ALTER TABLE call_codes ADD COLUMN bars TEXT NOT NULL DEFAULT ''; -- of do_not_call: 'number' alone, or the 'person' ('') with it

-- +goose Down
ALTER TABLE call_codes DROP COLUMN bars;
DROP TABLE interactions;
DROP TABLE person_changes;
DROP TABLE merged_people;
DROP TABLE shared_phones;
DROP INDEX contact_phones_number;
DROP INDEX contacts_person;
