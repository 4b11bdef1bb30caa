//! Entry by queue: one match from a job to the feature that does it.
