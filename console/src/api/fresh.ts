// The access token lasts some minutes; the refresh token, which no page can read, brings another.

/** When any tab refreshed last, in milliseconds. */
const KEY = "frontdesk.refreshed";
/** Well before the fifteen minutes of an access token are over. */
const EVERY_MS = 10 * 60_000;

let flight: Promise<boolean> | undefined;

const last = () => Number(localStorage.getItem(KEY) ?? 0);

async function once(since: number): Promise<boolean> {
  // Somebody did it since, perhaps another tab while we waited for our turn: what it got is in our cookies too.
  if (last() > since) return true;
  const { ok } = await fetch("/api/session/refresh", { method: "POST" });
  if (ok) localStorage.setItem(KEY, String(Date.now()));
  return ok;
}

/** Brings another access token than the one that was held at `since`; false: sign in again. However many ask, of all
 * tabs one goes. */
export function refresh(since = Date.now()): Promise<boolean> {
  const locked = async (): Promise<boolean> => ("locks" in navigator ? await navigator.locks.request(KEY, () => once(since)) : await once(since));
  const going = flight ?? locked().finally(() => {
    flight = undefined;
  });
  flight = going;
  return going;
}

/** Keeps the access token fresh while the page is open, for what the browser fetches by itself: pictures, files, events. */
export function keepFresh(): () => void {
  const due = () => {
    if (Date.now() - last() >= EVERY_MS) void refresh().catch(() => {});
  };
  due();
  const timer = setInterval(due, 30_000);
  // A laptop that slept, a tab that was put to sleep.
  document.addEventListener("visibilitychange", due);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", due);
  };
}
