-- A run may be held: trained, and tested later by its study. A CHECK cannot be changed in place.
CREATE TABLE runs_anew (
    id VARCHAR PRIMARY KEY,
    recipe_id VARCHAR NOT NULL,
    recipe VARCHAR NOT NULL,
    seed BIGINT NOT NULL,
    rounds BIGINT NOT NULL,
    state VARCHAR NOT NULL CHECK (state IN ('running', 'paused', 'stopped', 'failed', 'done', 'held')),
    created_at VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    champion_round BIGINT NOT NULL,
    judge_independent BOOLEAN NOT NULL,
    row_order BIGINT NOT NULL DEFAULT nextval('row_order')
);
INSERT INTO runs_anew SELECT * FROM runs;
DROP TABLE runs;
ALTER TABLE runs_anew RENAME TO runs;
