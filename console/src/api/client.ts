// The typed client: paths, bodies and answers are those of openapi.json.
import createClient, { type Middleware } from "openapi-fetch";
import { told } from "~/words";
import { refresh } from "./fresh";
import type { paths } from "./schema";

/** An answer of the server that is not a success, in its own words or the reader's language. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfter?: number,
  ) {
    super(message);
  }
  get isSignedOut() {
    return this.status === 401;
  }
  get isConflict() {
    return this.status === 409;
  }
}

/** Requests on their way, as they can be sent once more. */
const sent = new Map<string, { again: Request; at: number }>();

/** An access token that ran out is replaced without a word, and the request sent once more. */
const fresh: Middleware = {
  onRequest({ id, request }) {
    sent.set(id, { again: request.clone(), at: Date.now() });
  },
  async onResponse({ id, request, response }) {
    const was = sent.get(id);
    sent.delete(id);
    const isSignIn = new URL(request.url).pathname.startsWith("/api/sign-in");
    if (response.status !== 401 || !was || isSignIn || !(await refresh(was.at))) return;
    return fetch(was.again);
  },
  onError({ id }) {
    sent.delete(id);
  },
};

const failing: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return;
    let body: { error?: { code?: string; message?: string } } = {};
    try {
      body = await response.clone().json();
    } catch {
      // a proxy answered with a page of its own
    }
    const after = Number(response.headers.get("retry-after")) || undefined;
    throw new Failure(response.status, body.error?.code ?? "unknown", told(body.error?.message ?? response.statusText), after);
  },
};

export const api = createClient<paths>({ baseUrl: "" });
// What comes back passes the last first: what could be mended is no failure.
api.use(failing, fresh);

/** What the server said; the middleware has thrown everything else. */
export async function said<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  return data as T;
}
