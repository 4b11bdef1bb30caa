-- The schema, one text for SQLite and PostgreSQL.
-- Ids are UUIDv7 made by us, times are UTC and bound by us, money is integer minor units, lists and objects are JSON.

CREATE TABLE organizations (
    id UUID PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    logo_url TEXT,
    plan TEXT NOT NULL DEFAULT 'free',
    settings JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- People who sign in --------------------------------------------------------------------------------------------------

CREATE TABLE users (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    phone TEXT,
    password_hash TEXT,
    name TEXT NOT NULL,
    avatar_url TEXT,
    status TEXT NOT NULL DEFAULT 'active',
    language TEXT NOT NULL DEFAULT 'en',
    last_login_at TIMESTAMPTZ,
    settings JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX users_org_email ON users (org_id, email);
CREATE INDEX users_email ON users (email);

CREATE TABLE teams (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    leader_id UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX teams_org_name ON teams (org_id, name);

CREATE TABLE user_teams (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    team_id UUID NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    role TEXT NOT NULL DEFAULT 'member',
    PRIMARY KEY (user_id, team_id)
);
CREATE INDEX user_teams_team ON user_teams (team_id);

-- org_id NULL = built in, for every organisation.
CREATE TABLE roles (
    id UUID PRIMARY KEY,
    org_id UUID REFERENCES organizations (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    rank INTEGER NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX roles_org_key ON roles (org_id, key) WHERE org_id IS NOT NULL;
CREATE UNIQUE INDEX roles_builtin_key ON roles (key) WHERE org_id IS NULL;

CREATE TABLE permissions (
    id UUID PRIMARY KEY,
    resource TEXT NOT NULL,
    action TEXT NOT NULL,
    UNIQUE (resource, action)
);

CREATE TABLE role_permissions (
    role_id UUID NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    permission_id UUID NOT NULL REFERENCES permissions (id) ON DELETE CASCADE,
    scope TEXT NOT NULL DEFAULT 'org',
    PRIMARY KEY (role_id, permission_id)
);

CREATE TABLE user_roles (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role_id UUID NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, role_id)
);

-- Tokens are stored hashed only.
CREATE TABLE sessions (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    ip_address TEXT,
    user_agent TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE api_keys (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,
    scopes JSONB NOT NULL DEFAULT '[]',
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX api_keys_org ON api_keys (org_id);

-- Set-up, invitation and reset links: each works once.
CREATE TABLE one_time_links (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
);

-- The outside world ---------------------------------------------------------------------------------------------------

-- config is sealed with the master key; settings is what everyone may see.
CREATE TABLE channels (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    platform TEXT NOT NULL,
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    settings JSONB NOT NULL DEFAULT '{}',
    status TEXT NOT NULL DEFAULT 'active',
    error_message TEXT,
    stats JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX channels_org ON channels (org_id, platform);

CREATE TABLE channel_events (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    channel_id UUID NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    external_event_id TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'received',
    error_message TEXT,
    received_at TIMESTAMPTZ NOT NULL,
    processed_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX channel_events_once ON channel_events (org_id, channel_id, external_event_id);

-- Customers -----------------------------------------------------------------------------------------------------------

CREATE TABLE customers (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    type TEXT NOT NULL DEFAULT 'individual',
    name TEXT NOT NULL,
    avatar_url TEXT,
    phone TEXT,
    wechat_id TEXT,
    dingtalk_id TEXT,
    email TEXT,
    language TEXT,
    company_name TEXT,
    company_credit_code TEXT,
    company_industry TEXT,
    company_size TEXT,
    company_website TEXT,
    company_address TEXT,
    company_revenue BIGINT,
    company_revenue_currency TEXT,
    gender TEXT,
    age_range TEXT,
    region_province TEXT,
    region_city TEXT,
    stage TEXT NOT NULL DEFAULT 'potential',
    stage_changed_at TIMESTAMPTZ,
    score INTEGER NOT NULL DEFAULT 0,
    score_details JSONB NOT NULL DEFAULT '{}',
    owner_id UUID REFERENCES users (id) ON DELETE SET NULL,
    remark TEXT,
    custom_fields JSONB NOT NULL DEFAULT '{}',
    stats JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX customers_org_created ON customers (org_id, created_at DESC, id DESC);
CREATE INDEX customers_org_stage ON customers (org_id, stage);
CREATE INDEX customers_org_score ON customers (org_id, score DESC);
CREATE INDEX customers_owner ON customers (owner_id);
CREATE INDEX customers_phone ON customers (org_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX customers_wechat ON customers (org_id, wechat_id) WHERE wechat_id IS NOT NULL;

CREATE TABLE customer_contacts (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    customer_id UUID NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    title TEXT,
    role TEXT,
    phone TEXT,
    wechat_id TEXT,
    email TEXT,
    is_primary BOOLEAN NOT NULL DEFAULT FALSE,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX customer_contacts_customer ON customer_contacts (customer_id);

-- How we reach someone.
CREATE TABLE customer_identities (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    channel_id UUID NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    customer_id UUID NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    contact_id UUID REFERENCES customer_contacts (id) ON DELETE SET NULL,
    display_name TEXT,
    verified_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX customer_identities_once ON customer_identities (org_id, channel_id, kind, external_id);
CREATE INDEX customer_identities_customer ON customer_identities (customer_id);

CREATE TABLE customer_activities (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    customer_id UUID NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    user_id UUID REFERENCES users (id) ON DELETE SET NULL,
    type TEXT NOT NULL,
    title TEXT,
    description TEXT,
    metadata JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX customer_activities_customer ON customer_activities (customer_id, created_at DESC);

CREATE TABLE tags (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    color TEXT NOT NULL DEFAULT '#808080',
    category TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX tags_org_name ON tags (org_id, name);

-- set_by: person, rule or assistant.
CREATE TABLE customer_tags (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    customer_id UUID NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    tag_id UUID NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    set_by TEXT NOT NULL DEFAULT 'person',
    expires_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (customer_id, tag_id)
);
CREATE INDEX customer_tags_tag ON customer_tags (tag_id);

-- Conversations -------------------------------------------------------------------------------------------------------

-- status is for people (pending = waits for a person), holder says who may speak, version is the fence every
-- reply is checked against, epoch counts the times the conversation began anew with the assistant.
CREATE TABLE conversations (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    customer_id UUID NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    identity_id UUID REFERENCES customer_identities (id) ON DELETE SET NULL,
    channel_id UUID NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    channel_type TEXT NOT NULL,
    external_chat_id TEXT,
    agent_id UUID REFERENCES users (id) ON DELETE SET NULL,
    status TEXT NOT NULL DEFAULT 'active',
    holder TEXT NOT NULL DEFAULT 'assistant',
    version BIGINT NOT NULL DEFAULT 1,
    epoch BIGINT NOT NULL DEFAULT 1,
    priority TEXT NOT NULL DEFAULT 'medium',
    language TEXT,
    ai_enabled BOOLEAN NOT NULL DEFAULT TRUE,
    ai_summary TEXT,
    ai_sentiment TEXT,
    hand_off_reason TEXT,
    hand_off_brief JSONB,
    handed_off_at TIMESTAMPTZ,
    resolution TEXT,
    sla_first_response_at TIMESTAMPTZ,
    sla_resolve_deadline TIMESTAMPTZ,
    satisfaction_score INTEGER,
    satisfaction_comment TEXT,
    message_count BIGINT NOT NULL DEFAULT 0,
    unread_count BIGINT NOT NULL DEFAULT 0,
    last_message_at TIMESTAMPTZ,
    last_message_preview TEXT,
    last_customer_message_at TIMESTAMPTZ,
    first_response_at TIMESTAMPTZ,
    resolved_at TIMESTAMPTZ,
    closed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX conversations_org_status ON conversations (org_id, status, last_message_at DESC);
CREATE INDEX conversations_org_recent ON conversations (org_id, last_message_at DESC, id DESC);
CREATE INDEX conversations_agent ON conversations (agent_id, status);
CREATE INDEX conversations_customer ON conversations (customer_id, created_at DESC);
CREATE INDEX conversations_channel ON conversations (channel_id, customer_id, created_at DESC);

-- seq orders a conversation without a clock; status only moves forward.
CREATE TABLE messages (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    conversation_id UUID NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    customer_id UUID NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    channel_id UUID NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    epoch BIGINT NOT NULL DEFAULT 1,
    sender_type TEXT NOT NULL,
    sender_id TEXT,
    content_type TEXT NOT NULL DEFAULT 'text',
    content TEXT NOT NULL DEFAULT '',
    media_url TEXT,
    metadata JSONB NOT NULL DEFAULT '{}',
    is_private BOOLEAN NOT NULL DEFAULT FALSE,
    turn_id UUID,
    ai_generated BOOLEAN NOT NULL DEFAULT FALSE,
    ai_confidence DOUBLE PRECISION,
    ai_sources JSONB,
    status TEXT NOT NULL,
    status_reason TEXT,
    external_message_id TEXT,
    idempotency_key TEXT,
    seen_at TIMESTAMPTZ,
    sent_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX messages_conversation_seq ON messages (org_id, conversation_id, seq);
CREATE UNIQUE INDEX messages_external ON messages (org_id, channel_id, external_message_id)
    WHERE external_message_id IS NOT NULL;
CREATE UNIQUE INDEX messages_idempotency ON messages (org_id, conversation_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX messages_customer ON messages (customer_id, created_at);

-- The trace of one move of the assistant.
CREATE TABLE turns (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    conversation_id UUID REFERENCES conversations (id) ON DELETE CASCADE,
    customer_id UUID REFERENCES customers (id) ON DELETE CASCADE,
    decision TEXT NOT NULL,
    reason TEXT,
    confidence DOUBLE PRECISION,
    language TEXT,
    trace JSONB NOT NULL,
    duration_ms DOUBLE PRECISION NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX turns_conversation ON turns (conversation_id, created_at DESC);
CREATE INDEX turns_org ON turns (org_id, created_at DESC);

-- Deals ---------------------------------------------------------------------------------------------------------------

CREATE TABLE pipelines (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    is_default BOOLEAN NOT NULL DEFAULT FALSE,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX pipelines_org_name ON pipelines (org_id, name);

CREATE TABLE deal_stages (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    pipeline_id UUID NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    probability INTEGER NOT NULL,
    kind TEXT NOT NULL DEFAULT 'open'
);
CREATE UNIQUE INDEX deal_stages_key ON deal_stages (org_id, pipeline_id, key);

CREATE TABLE deals (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    customer_id UUID NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    pipeline_id UUID NOT NULL REFERENCES pipelines (id),
    stage_id UUID NOT NULL REFERENCES deal_stages (id),
    title TEXT NOT NULL,
    amount BIGINT,
    currency TEXT NOT NULL DEFAULT 'CNY',
    probability INTEGER NOT NULL DEFAULT 0,
    expected_close_date DATE,
    actual_close_date DATE,
    owner_id UUID REFERENCES users (id) ON DELETE SET NULL,
    products JSONB NOT NULL DEFAULT '[]',
    competitors JSONB NOT NULL DEFAULT '[]',
    loss_reason TEXT,
    notes TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX deals_org_stage ON deals (org_id, stage_id);
CREATE INDEX deals_customer ON deals (customer_id);
CREATE INDEX deals_owner ON deals (owner_id);

-- Knowledge -----------------------------------------------------------------------------------------------------------

CREATE TABLE knowledge_bases (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    settings JSONB NOT NULL DEFAULT '{}',
    document_count BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX knowledge_bases_org_name ON knowledge_bases (org_id, name);

-- source is where the content came from (a file name or an address): the same source again is a new version.
-- version is the newest, current_version the one that is searched. A deleted row is invisible at once and goes when its
-- passages are gone.
CREATE TABLE documents (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kb_id UUID NOT NULL REFERENCES knowledge_bases (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    file_url TEXT,
    file_type TEXT,
    file_size BIGINT,
    content_hash TEXT NOT NULL,
    language TEXT,
    category TEXT,
    tags JSONB NOT NULL DEFAULT '[]',
    valid_from TIMESTAMPTZ,
    valid_until TIMESTAMPTZ,
    processing_status TEXT NOT NULL DEFAULT 'pending',
    error_code TEXT,
    error_message TEXT,
    chunk_count BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL DEFAULT 1,
    current_version BIGINT,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX documents_source ON documents (org_id, kb_id, source) WHERE deleted_at IS NULL;
CREATE INDEX documents_org ON documents (org_id, id);
CREATE INDEX documents_hash ON documents (org_id, kb_id, content_hash);
CREATE INDEX documents_status ON documents (org_id, processing_status);

-- The source itself is a file, or content for short texts that came in bulk.
CREATE TABLE document_versions (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    document_id UUID NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    title TEXT NOT NULL,
    content TEXT,
    content_hash TEXT NOT NULL,
    file_url TEXT,
    file_type TEXT NOT NULL,
    file_size BIGINT NOT NULL,
    processing_status TEXT NOT NULL DEFAULT 'pending',
    error_code TEXT,
    error_message TEXT,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX document_versions_number ON document_versions (org_id, document_id, version);

-- Files too large for a row, in parts of 1 MiB: with PostgreSQL. With SQLite they lie below the data directory.
CREATE TABLE stored_files (
    path TEXT NOT NULL,
    part BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (path, part)
);

-- Only the current version of a document has rows here, and the one that is being indexed (not searched before it is whole).
CREATE TABLE document_chunks (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kb_id UUID NOT NULL REFERENCES knowledge_bases (id) ON DELETE CASCADE,
    document_id UUID NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    chunk_index BIGINT NOT NULL,
    heading_path JSONB NOT NULL DEFAULT '[]',
    content TEXT NOT NULL,
    token_count BIGINT NOT NULL,
    metadata JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX document_chunks_index ON document_chunks (org_id, document_id, version, chunk_index);

CREATE TABLE faqs (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kb_id UUID NOT NULL REFERENCES knowledge_bases (id) ON DELETE CASCADE,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    category TEXT,
    language TEXT,
    use_count BIGINT NOT NULL DEFAULT 0,
    helpful_count BIGINT NOT NULL DEFAULT 0,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX faqs_kb ON faqs (org_id, kb_id);

-- How many passages (or FAQs) of an organisation hold a term: the rarity that ranking and confidence use.
CREATE TABLE lexical_terms (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    collection TEXT NOT NULL,
    term BIGINT NOT NULL,
    document_frequency BIGINT NOT NULL,
    PRIMARY KEY (org_id, collection, term)
);

CREATE TABLE lexical_totals (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    collection TEXT NOT NULL,
    entry_count BIGINT NOT NULL,
    token_count BIGINT NOT NULL,
    PRIMARY KEY (org_id, collection)
);

-- The vector index of an organisation: which generation is live, and how far it is.
-- average_length is what every vector of the generation was weighed against.
CREATE TABLE vector_generations (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    collection TEXT NOT NULL,
    generation BIGINT NOT NULL,
    state TEXT NOT NULL,
    tokenizer TEXT NOT NULL,
    embedding_model TEXT,
    dimensions BIGINT,
    average_length DOUBLE PRECISION NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (org_id, collection, generation)
);
CREATE UNIQUE INDEX vector_generations_live ON vector_generations (org_id, collection) WHERE state = 'live';

-- Memory --------------------------------------------------------------------------------------------------------------

CREATE TABLE memories (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    customer_id UUID REFERENCES customers (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    content TEXT NOT NULL,
    summary TEXT,
    importance DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    decay_factor DOUBLE PRECISION NOT NULL DEFAULT 0.95,
    source_type TEXT,
    source_id UUID,
    category TEXT,
    tags JSONB NOT NULL DEFAULT '[]',
    is_pinned BOOLEAN NOT NULL DEFAULT FALSE,
    use_count BIGINT NOT NULL DEFAULT 0,
    valid_until TIMESTAMPTZ,
    last_accessed_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX memories_customer ON memories (customer_id, type) WHERE customer_id IS NOT NULL;
CREATE INDEX memories_org_shared ON memories (org_id, type) WHERE type = 'shared';

-- Machinery -----------------------------------------------------------------------------------------------------------

-- A lane runs one job at a time, oldest first; an equal job that still waits is merged with the new one.
CREATE TABLE jobs (
    id UUID PRIMARY KEY,
    org_id UUID REFERENCES organizations (id) ON DELETE CASCADE,
    queue TEXT NOT NULL,
    lane TEXT NOT NULL,
    merge_key TEXT,
    payload JSONB NOT NULL,
    state TEXT NOT NULL DEFAULT 'ready',
    attempts INTEGER NOT NULL DEFAULT 0,
    run_at TIMESTAMPTZ NOT NULL,
    lease_until TIMESTAMPTZ,
    worker TEXT,
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX jobs_merge ON jobs (merge_key) WHERE state = 'ready' AND merge_key IS NOT NULL;
CREATE UNIQUE INDEX jobs_one_per_lane ON jobs (lane) WHERE state = 'running';
CREATE INDEX jobs_due ON jobs (queue, run_at) WHERE state = 'ready';
CREATE INDEX jobs_lane ON jobs (lane, id) WHERE state IN ('ready', 'running');

CREATE TABLE audit_logs (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    user_id UUID,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    resource_type TEXT,
    resource_id UUID,
    changes JSONB,
    ip_address TEXT,
    user_agent TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX audit_logs_org ON audit_logs (org_id, created_at DESC);
CREATE INDEX audit_logs_user ON audit_logs (user_id, created_at DESC);

CREATE TABLE notifications (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    title TEXT NOT NULL,
    content TEXT,
    resource_type TEXT,
    resource_id UUID,
    is_read BOOLEAN NOT NULL DEFAULT FALSE,
    read_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX notifications_user ON notifications (user_id, is_read, created_at DESC);

CREATE TABLE system_configs (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value JSONB NOT NULL,
    updated_by UUID REFERENCES users (id) ON DELETE SET NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX system_configs_key ON system_configs (org_id, key);
