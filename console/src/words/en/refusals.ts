// The server's refusals, where they are told in other words than its own: here they are its own.

export const refusals: Record<string, string> = {};
