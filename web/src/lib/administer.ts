// Agents and extensions in Mediatel's shape: no cookie counts there, so the page's session lends a bearer for it.
import type { Key } from "./phrases";
import { choices, type Saying, silence, t } from "./words.svelte";

let token = "", until = 0;

// usual are the refusals that people meet, by Mediatel's numbers. Other words of this administration are English, as all of it is.
const usual: Record<number, Key | undefined> = { 102: "nameTaken", 106: "stillInUse" };

export interface Outcome<T> {
  result: T[];
  problem: Saying; // silence if nothing went wrong
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
    if (!mine) return { result: [], problem: () => t("unreachable") };
    const reply = await fetch(`/v1${path}`, {
      method, signal: AbortSignal.timeout(15_000), body: body === undefined ? undefined : JSON.stringify(body),
      headers: { Authorization: `Bearer ${mine}`, "Accept-Language": choices.language, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    });
    const { error, result = [] } = (await reply.json()) as { error?: { details?: number; message?: string }; result?: T[] };
    const common = usual[error?.details ?? 0];
    return { result, problem: reply.ok ? silence : common ? () => t(common) : () => error?.message ?? String(reply.status) };
  } catch {
    return { result: [], problem: () => t("unreachable") };
  }
}
