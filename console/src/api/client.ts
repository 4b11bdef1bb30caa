// The typed client: paths, bodies and answers are those of openapi.json.
import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./schema";

/** An answer of the server that is not a success, in its own words. */
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
    throw new Failure(response.status, body.error?.code ?? "unknown", body.error?.message ?? response.statusText, after);
  },
};

export const api = createClient<paths>({ baseUrl: "" });
api.use(failing);

/** What the server said; the middleware has thrown everything else. */
export async function said<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  return data as T;
}
