export type StateName = "logged_off" | "available" | "ordered" | "delivered" | "talking" | "holding" | "clerical" | "paused" | "forcepause";

/** What became of a command: "done" when the server has dealt with it (the state says what it refused), "offline": not sent, "unknown": nobody can tell. */
export type Result = "done" | "offline" | "unknown";

export interface Code {
  id: string;
  name: string;
}

export interface AgentState {
  state: StateName;
  /** Unix milliseconds by the server's clock, as serverTime and codeDueAt. */
  since: number;
  serverTime: number;
  /** When wrap-up ends by itself; 0: it does not. */
  codeDueAt: number;
  agent: string;
  extension: string;
  autoCall: boolean;
  muted: boolean;
  pausePending: string;
  pauseId: string;
  pauses: Code[];
  queues: string[];
  /** What may be sent now, such as "CMD_MAKECALL". */
  commands: Set<string>;
  codes: Code[];
  number: string;
  /** The CRM's id of the customer; "" for nobody. */
  customer: string;
  queue: string;
  /** The call's id, with which its recording is found. */
  trace: string;
  automatic: boolean;
  card: string;
  callError: string;
  loginError: string;
  /** A contact is shown before the call: call it, or skip it. */
  preview: boolean;
}

export interface Events {
  state: AgentState;
  call: { trace: string; number: string; customer: string; queue: string };
  card: { link: string; customer: string; trace: string };
  wrapup: { trace: string; codes: Code[]; until: number };
  phone: { status: "none" | "starting" | "ready" | "failed" | "elsewhere"; trouble: string; detail: string; inCall: boolean };
  quality: { lossIn: number; lossOut: number; jitter: number; delay: number; mos: number; silent: boolean };
  connection: { connected: boolean };
  error: { error: string };
}

export interface Options {
  /** Of Ringmaster, such as "https://dial.example.com". This page's origin is one of its vouch.allowed_origins. */
  url: string;
  /** Which agent, for a user who has several. */
  login?: string;
  extension?: string;
}

export function connect(options: Options): Ringmaster;

export class Ringmaster extends EventTarget {
  readonly state: AgentState | null;
  readonly connected: boolean;
  addEventListener<K extends keyof Events>(type: K, listener: (event: CustomEvent<Events[K]>) => void, options?: boolean | AddEventListenerOptions): void;
  login(): Promise<void>;
  logout(): Promise<Result>;
  call(number: string, queue?: string): Promise<Result>;
  hangUp(): Promise<Result>;
  hold(): Promise<Result>;
  retrieve(): Promise<Result>;
  toggleMute(): Promise<Result>;
  pause(id: string): Promise<Result>;
  /** Ends the pause. Out of Force Pause the phone is tested first; "phone": it does not work. */
  resume(): Promise<Result | "phone">;
  autoCall(on: boolean): Promise<Result>;
  /** In preview. */
  skip(reason?: string): Promise<Result>;
  code(id: string, options?: { callbackAt?: string | null; trace?: string }): Promise<Result>;
  /** A key of the phone, while one talks. */
  key(key: string): void;
  close(): void;
}
