-- The tables of a project: one per record of pada_local/records.py, with the record's field names as columns.
-- Dicts and lists are JSON text. `row_order` is the order of insertion; records do not show it.
-- No secondary indexes and no foreign keys: every id is made by the program, and less can break in a replayed log.
CREATE SEQUENCE row_order;

CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    name VARCHAR NOT NULL,
    applied_at VARCHAR NOT NULL
);

CREATE TABLE settings (
    "key" VARCHAR PRIMARY KEY,
    "value" VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE examples (
    id VARCHAR PRIMARY KEY,
    split VARCHAR NOT NULL CHECK (split IN ('train', 'validation', 'test')),
    "position" BIGINT NOT NULL,
    input VARCHAR NOT NULL,
    output VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    tags JSON NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE recipes (
    id VARCHAR PRIMARY KEY,
    "name" VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE runs (
    id VARCHAR PRIMARY KEY,
    recipe_id VARCHAR NOT NULL,
    recipe VARCHAR NOT NULL,
    seed BIGINT NOT NULL,
    rounds BIGINT NOT NULL,
    state VARCHAR NOT NULL CHECK (state IN ('running', 'paused', 'stopped', 'failed', 'done')),
    created_at VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    champion_round BIGINT NOT NULL,
    judge_independent BOOLEAN NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE rounds (
    run_id VARCHAR,
    "number" BIGINT,
    state VARCHAR NOT NULL,
    adapter_id VARCHAR NOT NULL,
    train_examples BIGINT,
    train_seconds DOUBLE,
    validation_mean DOUBLE,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order'),
    PRIMARY KEY (run_id, "number")
);

CREATE TABLE stages (
    "key" VARCHAR,
    run_id VARCHAR,
    round BIGINT NOT NULL,
    "name" VARCHAR NOT NULL,
    wave BIGINT NOT NULL,
    state VARCHAR NOT NULL CHECK (state IN ('running', 'done')),
    counts JSON NOT NULL,
    elapsed_s DOUBLE NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order'),
    PRIMARY KEY ("key", run_id)
);

-- A row here is the mark that the adapter's own table, "adapter_<id>" (name, data), is whole.
CREATE TABLE adapters (
    id VARCHAR PRIMARY KEY,
    base VARCHAR NOT NULL,
    sha256 JSON NOT NULL,
    bytes BIGINT NOT NULL,
    settings JSON NOT NULL,
    train_tokens BIGINT NOT NULL,
    train_seconds DOUBLE NOT NULL,
    steps BIGINT NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE training_steps (
    adapter_id VARCHAR,
    step BIGINT,
    loss DOUBLE NOT NULL,
    grad_norm DOUBLE NOT NULL,
    learning_rate DOUBLE NOT NULL,
    tokens BIGINT NOT NULL,
    held_out_loss DOUBLE,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order'),
    PRIMARY KEY (adapter_id, step)
);

CREATE TABLE predictions (
    id VARCHAR PRIMARY KEY,
    adapter_id VARCHAR NOT NULL,
    example_id VARCHAR NOT NULL,
    "text" VARCHAR NOT NULL,
    tokens BIGINT NOT NULL,
    decoding JSON NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

-- value is NULL where the metric could not score the answer, which is not zero.
CREATE TABLE scores (
    prediction_id VARCHAR,
    metric VARCHAR,
    "value" DOUBLE,
    why VARCHAR NOT NULL,
    call_key VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order'),
    PRIMARY KEY (prediction_id, metric)
);

CREATE TABLE teacher_calls (
    "key" VARCHAR PRIMARY KEY,
    prompt_id VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    settings JSON NOT NULL,
    answer VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    answer_tokens BIGINT NOT NULL,
    elapsed_s DOUBLE NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE prompts (
    id VARCHAR PRIMARY KEY,
    "text" VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE analyses (
    id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    round BIGINT NOT NULL,
    example_id VARCHAR NOT NULL,
    prediction_id VARCHAR NOT NULL,
    call_key VARCHAR NOT NULL,
    state VARCHAR NOT NULL CHECK (state IN ('ok', 'unparsable', 'leaked')),
    root_cause VARCHAR NOT NULL,
    scenario VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE embeddings (
    id VARCHAR PRIMARY KEY,
    model VARCHAR NOT NULL,
    text_id VARCHAR NOT NULL,
    vector FLOAT[] NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE patterns (
    id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    round BIGINT NOT NULL,
    "number" BIGINT NOT NULL,
    "name" VARCHAR NOT NULL,
    "text" VARCHAR NOT NULL,
    failures BIGINT NOT NULL,
    members JSON NOT NULL,
    call_key VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE strategies (
    id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    round BIGINT NOT NULL,
    pattern_id VARCHAR NOT NULL,
    drafted VARCHAR NOT NULL,
    quota BIGINT NOT NULL,
    call_key VARCHAR NOT NULL,
    edited VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE candidates (
    id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    round BIGINT NOT NULL,
    wave BIGINT NOT NULL,
    "position" BIGINT NOT NULL,
    origin VARCHAR NOT NULL,
    pattern_id VARCHAR NOT NULL,
    strategy_id VARCHAR NOT NULL,
    parent_id VARCHAR NOT NULL,
    seed_examples JSON NOT NULL,
    attempt BIGINT NOT NULL,
    call_key VARCHAR NOT NULL,
    input VARCHAR NOT NULL,
    output VARCHAR NOT NULL,
    state VARCHAR NOT NULL CHECK (state IN ('pending', 'accepted', 'rejected', 'duplicate', 'leaked', 'unparsable')),
    reason VARCHAR NOT NULL,
    selected BOOLEAN NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE verdicts (
    id VARCHAR PRIMARY KEY,
    candidate_id VARCHAR NOT NULL,
    criterion VARCHAR NOT NULL,
    judge VARCHAR NOT NULL,
    passed BOOLEAN NOT NULL,
    "value" DOUBLE,
    reason VARCHAR NOT NULL,
    calls JSON NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE judge_audits (
    id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    judge VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    auc DOUBLE NOT NULL,
    threshold DOUBLE NOT NULL,
    n BIGINT NOT NULL,
    used BOOLEAN NOT NULL,
    calls JSON NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE decisions (
    id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    subject_id VARCHAR NOT NULL,
    "action" VARCHAR NOT NULL,
    "before" VARCHAR NOT NULL,
    "after" VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    "at" VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);

CREATE TABLE test_looks (
    run_id VARCHAR,
    adapter_id VARCHAR,
    "at" VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order'),
    PRIMARY KEY (run_id, adapter_id)
);

CREATE TABLE events (
    seq BIGINT PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    "at" VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);
