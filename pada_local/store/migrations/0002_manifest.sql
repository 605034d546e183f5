-- What tells that a row was changed or lost outside this program, and where damaged rows are put (see store/seals.py).
-- "rows" names, by table, every row that the entry vouches for: its row_order and the start of its hash.
CREATE TABLE manifest (
    seq BIGINT PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    stage_key VARCHAR NOT NULL,
    "name" VARCHAR NOT NULL,
    low BIGINT NOT NULL,
    high BIGINT NOT NULL,
    "rows" JSON NOT NULL,
    previous VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

-- The hash of each row that may change, as this program last wrote it.
CREATE TABLE marks (
    "table" VARCHAR,
    "key" VARCHAR,
    sha256 VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order'),
    PRIMARY KEY ("table", "key")
);

-- Rows that `pada check --repair` took out, as they were.
CREATE TABLE quarantine (
    id VARCHAR PRIMARY KEY,
    "table" VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    "at" VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);
