// Forms with files in them, and how far they have come: fetch can't tell how much was sent.
import { Failure } from "./client";
import { refresh } from "./fresh";

/** Posts a form; once more where the access token ran out meanwhile. What was said, or a failure like the client's. */
export async function postForm<T>(path: string, form: FormData, told: (sent: number) => void): Promise<T> {
  let request = await post(path, form, told);
  if (request.status === 401 && (await refresh())) request = await post(path, form, told);
  type Fault = { error?: { code?: string; message?: string } };
  let said = {} as T & Fault;
  try {
    said = JSON.parse(request.responseText) as typeof said;
  } catch {
    // nobody answered, or a proxy did
  }
  if (request.status >= 200 && request.status < 300) return said;
  throw request.status === 0 ? new TypeError("network") : new Failure(request.status, said.error?.code ?? "unknown", said.error?.message ?? request.statusText);
}

function post(path: string, form: FormData, told: (sent: number) => void) {
  return new Promise<XMLHttpRequest>((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.upload.onprogress = (e) => e.lengthComputable && told(e.loaded / e.total);
    request.onloadend = () => done(request);
    request.send(form);
  });
}
