-- Channels, once more: edits that come before their message, alarms by what they are about, taps.

-- The platform's id of the message that a raw event brings or changes. An edit or a revocation whose message has not
-- come yet has the status 'waiting'; the payloads about a message that was taken back are emptied.
ALTER TABLE channel_events ADD COLUMN about TEXT;
CREATE INDEX channel_events_about ON channel_events (channel_id, about) WHERE about IS NOT NULL;

-- What is wrong with a channel, by what it is about: {"link": why, "sending": why, "quality": why, ...}. Good news ends
-- only what it is about; error_message says all of it.
ALTER TABLE channels ADD COLUMN alarms JSONB NOT NULL DEFAULT '{}';
-- It held words about the number's quality there; it is about the link to a phone or a mailbox only.
UPDATE channels SET connection_state = NULL WHERE platform = 'whatsapp_cloud';

-- The platform's time of the customer's last tap on a menu, follow or scan, where that permits less than a message.
ALTER TABLE conversations ADD COLUMN last_tap_at TIMESTAMPTZ;
