// The desk's phone and state inside another page, such as a CRM's: no words and no looks, events and commands alone.
import { Phone, type PhoneAccount, type PhoneOf } from "../desk/phone.svelte";
import { ofCall, type AgentState } from "../desk/state";
import { openTab, type Result, type Tab } from "../desk/tab";

interface Session {
  mediatel: { login: string; token: string; extension: string };
  webrtc: PhoneAccount | null;
}

export interface Options {
  url: string; // of Ringmaster, such as "https://dial.example.com"
  login?: string; // which agent, for a user who has several
  extension?: string; // left out: the agent's own, the last one, or a free one
}

// connect signs the browser's user on as an agent, and keeps the connection until close is called.
export function connect(options: Options): Ringmaster {
  return new Ringmaster(options);
}

export class Ringmaster extends EventTarget {
  state: AgentState | null = null;
  connected = false;
  #options: Options;
  #base: string;
  #tab: Tab;
  #phone = new Phone();
  #phoneOf = "";
  #wanted = true; // the agent is to be logged on
  #timer: ReturnType<typeof setInterval>;
  #unwatch: () => void;

  constructor(options: Options) {
    super();
    this.#options = options;
    this.#base = new URL(options.url).origin;
    this.#phone.renew = () => this.#account();
    this.#timer = setInterval(() => void this.#phone.beat(), 1000);
    this.#unwatch = $effect.root(() => {
      $effect(() => this.#tell("phone", { status: this.#phone.status, trouble: this.#phone.trouble, detail: this.#phone.detail, inCall: this.#phone.inCall }));
      $effect(() => { if (this.#phone.quality) this.#tell("quality", { ...this.#phone.quality }); });
    });
    this.#tab = openTab({
      onState: (state) => void this.#came(state),
      onConnection: (is, reason) => {
        if (is !== this.connected) this.#tell("connection", { connected: is });
        this.connected = is;
        if (reason) this.#tell("error", { error: reason });
      },
      onUnavailable: () => this.#tell("error", { error: "no agent process is free" }),
      onBeat: () => {},
    }, this.#base);
  }

  logout(): Promise<Result> {
    this.#wanted = false;
    return this.#tab.logout();
  }

  login(): Promise<void> {
    this.#wanted = true;
    return this.#logIn();
  }

  call = (number: string, queue = this.state?.queues[0] ?? "") => this.#tab.call(number, queue);
  hangUp = () => this.#tab.hangUp();
  hold = () => this.#tab.hold();
  retrieve = () => this.#tab.retrieve();
  toggleMute = () => this.#tab.toggleMute();
  pause = (id: string) => this.#tab.pause(id);
  skip = (reason = "") => this.#tab.skip(reason);
  key = (key: string) => this.#phone.sendKey(key);

  // resume ends the pause. Out of Force Pause the phone is tested first.
  async resume(): Promise<Result | "phone"> {
    if (this.state?.state === "forcepause" && !(await this.#phone.test())) return "phone";
    return this.#tab.pause("0");
  }

  // autoCall switches automatic calls on or off.
  async autoCall(on: boolean): Promise<Result> {
    return this.state?.autoCall === on ? "done" : this.#tab.toggleAutoCall();
  }

  // code sets the call's code: that of the call which is shown, unless another one is named.
  code = (id: string, { callbackAt = null, trace = this.state?.trace ?? "" }: { callbackAt?: string | null; trace?: string } = {}) =>
    this.#tab.code({ id, trace, callbackAt });

  close(): void {
    clearInterval(this.#timer);
    this.#unwatch();
    this.#tab.close();
    this.#phone.stop();
  }

  async #came(state: AgentState): Promise<void> {
    const before = this.state;
    this.state = state;
    this.#tell("state", state);
    if (ofCall.includes(state.state) && state.trace && state.trace !== before?.trace) this.#tell("call", { trace: state.trace, number: state.number, customer: state.customer, queue: state.queue });
    if (state.card && state.card !== before?.card) this.#tell("card", { link: state.card, customer: state.customer, trace: state.trace });
    if (state.state === "clerical" && before?.state !== "clerical") this.#tell("wrapup", { trace: state.trace, codes: state.codes, until: state.codeDueAt });
    if (state.callError && state.callError !== before?.callError) this.#tell("error", { error: state.callError });
    if (state.loginError && state.loginError !== before?.loginError) this.#tell("error", { error: state.loginError });
    if (state.state === "logged_off") {
      this.#phoneOf = "";
      if (this.#wanted && !state.loginError) await this.#logIn();
    } else if (this.#phoneOf !== state.extension) {
      this.#phoneOf = state.extension;
      const account = await this.#account();
      if (account?.extension === state.extension) await this.#phone.start(account);
    }
  }

  async #logIn(): Promise<void> {
    const session = await this.#session();
    if (session) await this.#tab.login(session.mediatel.login, session.mediatel.token, this.#options.extension ?? session.mediatel.extension);
  }

  async #account(): Promise<PhoneOf | null> {
    const session = await this.#session();
    return session?.webrtc ? { extension: session.mediatel.extension, account: session.webrtc } : null;
  }

  async #session(): Promise<Session | null> {
    const query = this.#options.login ? `?login=${encodeURIComponent(this.#options.login)}` : "";
    try {
      const reply = await fetch(`${this.#base}/api/v1/session${query}`, { credentials: "include", signal: AbortSignal.timeout(10_000) });
      const body = (await reply.json()) as Session & { detail?: string };
      if (reply.ok) return body;
      this.#tell("error", { error: body.detail ?? String(reply.status) });
    } catch (error) {
      this.#tell("error", { error: (error as Error).message });
    }
    return null;
  }

  #tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
