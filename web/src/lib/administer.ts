// Agents and extensions in Mediatel's shape: no cookie counts there, so the page's session lends a bearer for it.
import { choices, t } from "./words.svelte";

let token = "", until = 0;

export interface Outcome<T> {
  result: T[];
  problem: string; // "" if nothing went wrong
}

async function bearer(): Promise<string> {
  if (Date.now() > until - 60_000) {
    const reply = await fetch("/api/v1/me/session", { method: "POST", signal: AbortSignal.timeout(10_000) });
    if (!reply.ok) return "";
    const session = (await reply.json()) as { token: string; expires_at: string };
    token = session.token;
    until = Date.parse(session.expires_at);
  }
  return token;
}

export async function administer<T>(path: string, method = "GET", body?: unknown): Promise<Outcome<T>> {
  try {
    const mine = await bearer();
    if (!mine) return { result: [], problem: t("unreachable") };
    const reply = await fetch(`/v1${path}`, {
      method, signal: AbortSignal.timeout(15_000), body: body === undefined ? undefined : JSON.stringify(body),
      headers: { Authorization: `Bearer ${mine}`, "Accept-Language": choices.language, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    });
    const answer = (await reply.json()) as { error?: { message?: string }; result?: T[] };
    return { result: answer.result ?? [], problem: reply.ok ? "" : answer.error?.message ?? String(reply.status) };
  } catch {
    return { result: [], problem: t("unreachable") };
  }
}
