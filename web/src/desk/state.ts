// An agent's state as the desk shows it, made of the protocol's.

export type StateName = "logged_off" | "available" | "ordered" | "delivered" | "talking" | "holding" | "clerical" | "paused" | "forcepause";

export interface Code {
  id: string;
  name: string;
}

export interface AgentState {
  state: StateName;
  since: number; // Unix milliseconds, by the server's clock, as the next two
  serverTime: number;
  codeDueAt: number; // 0: wrap-up does not end by itself
  agent: string;
  extension: string;
  autoCall: boolean;
  muted: boolean;
  pausePending: string;
  pauseId: string;
  pauses: Code[];
  queues: string[];
  commands: Set<string>;
  codes: Code[];
  number: string;
  customer: string;
  queue: string;
  trace: string;
  automatic: boolean;
  card: string;
  callError: string;
  loginError: string;
  preview: boolean; // a contact is shown before the call, to be called or skipped
  previewUntil: number; // by the server's clock; 0: none is shown
}

const names: Record<string, StateName> = {
  STATE_LOGOUT: "logged_off",
  STATE_IDLE: "available",
  STATE_MAKECALL_FAILED: "available",
  STATE_MAKECALL_REQUEST: "ordered",
  STATE_CALL_DELIVERED: "delivered",
  STATE_CALL_ACTIVE: "talking",
  STATE_HOLD: "holding",
  STATE_CLERICAL: "clerical",
  STATE_PAUSE: "paused",
};
const forcePause = "1000";
export const inCall: readonly StateName[] = ["ordered", "delivered", "talking", "holding"];
export const ofCall: readonly StateName[] = [...inCall, "clerical"];

// some is "" for all that the protocol writes for "nothing".
const some = (value: unknown): string => (["-1", "0", "", "null", "undefined", "1999-01-01 01:01:01"].includes(String(value ?? "")) ? "" : String(value));

interface Wire {
  [field: string]: unknown;
  pauseList?: [string, string][];
  queues?: string[];
  availableCommand?: string[];
  avaliableCommand?: string[];
  availableCallCodes?: { ID: string; Name: string }[];
  awaliableCallCodes?: { ID: string; Name: string }[];
}

// read makes a state of what came. Two keys have an older, misspelt form.
export function read(data: Wire): AgentState {
  const state = names[String(data.state)] ?? "logged_off";
  const commands = new Set(data.availableCommand ?? data.avaliableCommand ?? []);
  return {
    state: state === "paused" && String(data.pauseId) === forcePause ? "forcepause" : state,
    since: Number(data.time) || Date.now(),
    serverTime: Number(data.serverTime) || Date.now(),
    codeDueAt: Number(data.codeDueAt) || 0,
    agent: some(data.agentId) ? String(data.agentName) : "",
    extension: some(data.agentExt),
    autoCall: String(data.predictiveStatus) === "1",
    muted: String(data.mute) === "1",
    pausePending: some(data.pausePending),
    pauseId: some(data.pauseId),
    pauses: (data.pauseList ?? []).map(([id, name]) => ({ id: String(id), name })),
    queues: data.queues ?? [],
    commands,
    codes: (data.availableCallCodes ?? data.awaliableCallCodes ?? []).map((c) => ({ id: String(c.ID), name: c.Name })),
    number: some(data.ani),
    customer: some(data.callCustomerID),
    queue: String(data.queueName ?? ""),
    trace: some(data.callTraceID),
    automatic: String(data.callType) === "3",
    card: some(data.crmConnectTarget),
    callError: String(data.callErrorText ?? ""),
    loginError: some(data.loginErrorID) ? String(data.loginErrorText || data.loginErrorID) : "",
    preview: state === "available" && commands.has("CMD_SKIP"),
    previewUntil: Number(data.previewUntil) || 0,
  };
}
