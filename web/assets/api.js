// Our HTTP API, as the pages ask it.
import { spoken, worded } from "./page.js";

// toSignIn leaves for the page where one signs in, and comes back from there to this one.
export function toSignIn() {
  const here = location.pathname + location.search;
  location.replace(here === "/" ? "/sign-in" : `/sign-in?to=${encodeURIComponent(here)}`);
}

// ask answers {status, body, retryAfter}; status 0 says that nobody could be reached.
export async function ask(path, { method = "GET", body, limit = 10_000 } = {}) {
  try {
    const reply = await fetch(path, {
      method, signal: AbortSignal.timeout(limit), headers: { "Accept-Language": spoken(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await reply.text();
    let read = null;
    try {
      read = text ? JSON.parse(text) : null;
    } catch {
      // a proxy's page, not ours
    }
    return { status: reply.status, body: read, retryAfter: Number(reply.headers.get("Retry-After")) || 0 };
  } catch {
    return { status: 0, body: null, retryAfter: 0 };
  }
}

// refusal is what a refused request says to people, in the language that is chosen now.
export function refusal({ body }) {
  if (!body?.detail) return "";
  return [worded({ key: body.code, args: body.args, text: body.detail }, true), ...(body.errors ?? []).map((e) => worded({ key: e.code, args: e.args, text: e.message }))].filter(Boolean).join(" ");
}
