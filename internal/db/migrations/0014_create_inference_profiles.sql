-- Inference profiles as Amazon Bedrock listed them: what an administrator's
-- connection saw last, by the region in which it was listed.
CREATE TABLE inference_profiles (
    id        TEXT   NOT NULL,  -- of a system-defined profile, or the ARN of an application profile
    region    TEXT   NOT NULL,
    models    TEXT   NOT NULL,  -- ARNs of the foundation models that it leads to, a JSON array
    listed_at BIGINT NOT NULL,
    PRIMARY KEY (id, region)
);
