// Our HTTP API, as the pages ask it.
import { choices, type Saying, silence, t, worded, wordedWhole } from "./words.svelte";

export interface Reply<T> {
  status: number; // 0: nobody could be reached
  body: T;
  retryAfter: number;
}

export interface Problem {
  detail?: string;
  code?: string;
  args?: Record<string, unknown>;
  errors?: FieldProblem[];
}

export interface FieldProblem {
  location?: string;
  code?: string;
  args?: Record<string, unknown>;
  message?: string;
}

export interface Ask {
  method?: string;
  body?: unknown;
  limit?: number; // milliseconds
  signal?: AbortSignal;
}

// toSignIn leaves for the page where one signs in, and comes back from there to this one.
export function toSignIn(): void {
  const here = location.pathname + location.search + location.hash;
  location.replace(here === "/" ? "/sign-in" : `/sign-in?to=${encodeURIComponent(here)}`);
}

export async function ask<T = unknown>(path: string, { method = "GET", body, limit = 10_000, signal }: Ask = {}): Promise<Reply<T>> {
  const headers: Record<string, string> = { "Accept-Language": choices.language };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const timeout = AbortSignal.timeout(limit);
  try {
    const reply = await fetch(path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const text = await reply.text();
    return { status: reply.status, body: parsed(text) as T, retryAfter: Number(reply.headers.get("Retry-After")) || 0 };
  } catch {
    return { status: 0, body: null as T, retryAfter: 0 };
  }
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null; // a proxy's page, not ours
  }
}

// refusal is what a refused request says to people, in the language that is chosen now.
export function refusal(body: unknown): string {
  const { detail = "", code = "", args = {}, errors = [] } = (body ?? {}) as Problem;
  return [wordedWhole({ key: code, args, text: detail }), ...errors.map((e) => (e.location ? `${e.location.replace(/^(body|query)\./, "")}: ${refusalOf(e)}.` : refusalOf(e)))].filter(Boolean).join(" ");
}

// refusalOf is what is wrong with one field.
export function refusalOf({ code = "", args = {}, message = "" }: FieldProblem): string {
  return worded({ key: code, args, text: message });
}

// failure says what went wrong with a request; it is silence if nothing did. Who is not signed in any more is asked to.
export function failure({ status, body }: Reply<unknown>): Saying {
  if (status >= 200 && status < 300) return silence;
  if (status === 401) toSignIn();
  return () => (status ? refusal(body) || String(status) : t("unreachable"));
}
