// What the desk knows and does: the agent's state, how old it is, the drafts of call codes, and the phone.
import { ask, toSignIn } from "../lib/api";
import { script, told } from "../lib/page";
import type { Key } from "../lib/phrases";
import { remember, remembered } from "../lib/storage";
import { choices, silence, t } from "../lib/words.svelte";
import { Drafts } from "./draft";
import { Phone, type PhoneAccount, type PhoneOf } from "./phone.svelte";
import { inCall, type AgentState } from "./state";
import { openTab, type Result, type Tab } from "./tab";

interface Session {
  mediatel: { login: string; token: string; extension: string };
  webrtc: PhoneAccount | null;
}

const connecting = () => t("connecting");
const sleptFor = 10_000; // milliseconds without a beat of each second: this machine was asleep

export class Desk {
  state = $state.raw<AgentState | null>(null);
  connected = $state<boolean | null>(null); // whether the state is still true; null: not known yet
  lostAt = $state(0); // when the server was heard of last, before the connection went
  skew = $state(0); // the server's clock less ours
  now = $state(Date.now()); // of this second
  unavailable = $state(false);
  ownPassword = $state(false); // no single agent is bound to the user
  testing = $state(false); // the phone is tested before the way back from Force Pause

  readonly phone = new Phone();
  readonly drafts: Drafts;
  draftsSeen = $state(0);

  // These are made anew of what they say: the language may change while they are shown.
  #note = $state.raw(silence);
  #problem = $state.raw(silence);
  #said = $state.raw(silence);
  #tab: Tab | null = null;
  #comeBack = false; // the agent was at work when the connection went
  #leaving = false;
  #phoneOf = ""; // the extension for which a phone was started
  #phoneTried = 0;
  #heard = Date.now(); // when the server was heard of last
  #session: { at: number; body: Session } | null = null; // the one that the login was made with
  #rungFor = "";
  #keysOf = ""; // the call in which the phone's keys were pressed
  #speaks = ""; // the language that the server was told last

  constructor() {
    this.drafts = new Drafts(() => this.#tab, () => { this.draftsSeen++; });
    this.phone.renew = () => this.#phoneAccount();
  }

  // note is at the door, as is problem.
  get note(): string {
    return this.#note();
  }

  get problem(): string {
    return this.#problem();
  }

  // said is what became of the last command.
  get said(): string {
    return this.#said();
  }

  get there(): boolean {
    return this.state !== null && this.state.state !== "logged_off";
  }

  get old(): boolean {
    return this.connected === false;
  }

  // serverNow stands still when what is shown is not known to be true any more.
  get serverNow(): number {
    return (this.old ? this.lostAt : this.now) + this.skew;
  }

  may(command: string): boolean {
    return !this.old && (this.state?.commands.has(command) ?? false);
  }

  async open(): Promise<void> {
    this.#note = connecting;
    const beat = new Worker(script("beat"));
    beat.onmessage = () => this.#beat();
    beat.onerror = () => { setInterval(() => this.#beat(), 1000); };
    await bePresent();
    this.#tab = openTab({
      onState: (state) => this.#came(state), onConnection: (is, reason) => this.#connection(is, reason),
      onUnavailable: () => { this.unavailable = true; }, onBeat: () => {
        this.#heard = Date.now();
        this.#look();
      },
    });
    document.addEventListener("freeze", () => this.#look(true)); // wrap-up may end before this page goes on
  }

  // takeDesk logs the agent on: by a one-time token for the agent who the signed-in user is, or by an agent's own password.
  async takeDesk(extension = "", user = "", password = ""): Promise<void> {
    this.#problem = silence;
    if (this.ownPassword && password) {
      await this.press("startWork", this.#tab?.login(user, password, extension));
      return;
    }
    const reply = await ask<Session>(`/api/v1/session${this.ownPassword && user ? `?login=${encodeURIComponent(user)}` : ""}`);
    switch (reply.status) {
      case 200:
        this.#session = { at: Date.now(), body: reply.body };
        await this.press("startWork", this.#tab?.login(reply.body.mediatel.login, reply.body.mediatel.token, extension || reply.body.mediatel.extension));
        return;
      case 401:
        toSignIn();
        return;
      case 403:
        this.ownPassword = true;
        return;
      case 409:
        this.#problem = () => t("noExtension");
        return;
      default:
        this.#problem = () => (reply.status ? t("failedLogin", { reason: reply.status }) : t("unreachable"));
    }
  }

  // press says what became of a command that the state alone does not tell.
  async press(what: Key, answer: Promise<Result> | undefined): Promise<Result> {
    this.#said = silence;
    const slow = setTimeout(() => { this.#said = () => t("sending", { what: t(what) }); }, 700);
    const result = (await answer) ?? "offline";
    clearTimeout(slow);
    this.#said = result === "done" ? silence : () => t(result === "offline" ? "notSent" : "notConfirmed", { what: t(what) });
    if (result !== "done" && !this.there) this.#problem = this.#said;
    return result;
  }

  logout(): Promise<Result> {
    this.#leaving = true;
    return this.press("endWork", this.#tab?.logout());
  }

  toggleAutoCall = () => this.press("autoCall", this.#tab?.toggleAutoCall());
  pause = (id: string) => this.press("pause", this.#tab?.pause(id));
  cancelPause = () => this.press("cancel", this.#tab?.pause("0"));
  hang = () => this.press("hangUp", this.#tab?.hangUp());
  mute = () => this.press(this.state?.muted ? "unmute" : "mute", this.#tab?.toggleMute());
  hold = () => (this.state?.state === "holding" ? this.press("retrieve", this.#tab?.retrieve()) : this.press("holdCall", this.#tab?.hold()));
  call = (number: string, queue: string) => this.press("call", this.#tab?.call(number.replace(/[^\d+]/g, ""), queue));
  skip = (reason: string) => this.press("skip", this.#tab?.skip(reason));

  // endPause goes back to work. Out of Force Pause the phone is tested first: a second one would cost another customer's time.
  async endPause(): Promise<void> {
    if (this.state?.state === "forcepause") {
      this.testing = true;
      const good = await this.phone.test();
      this.testing = false;
      if (!good) return;
    }
    await this.press("endPause", this.#tab?.pause("0"));
  }

  async signOut(): Promise<void> {
    if (this.there) {
      if (!this.may("CMD_LOGOUT")) {
        const key = this.connected ? "endCallFirst" : "notSent";
        this.#said = () => t(key, { what: t("signOut") });
        return;
      }
      this.#leaving = true;
      await this.#tab?.logout();
    }
    this.#tab?.close();
    this.phone.stop();
    await ask("/api/v1/logout", { method: "POST" });
    location.assign("/sign-in?to=%2Fagent");
  }

  #connection(is: boolean, reason?: string): void {
    if (this.connected !== is) {
      if (!is) {
        this.lostAt = this.#heard;
        this.#comeBack = this.there && !this.#leaving;
      }
      this.connected = is;
      if (!is && reason && /403|Forbidden/.test(reason)) toSignIn(); // the session is over
    }
    if (!is && !this.state) this.#note = connecting;
    if (is && this.#note === connecting) this.#note = silence;
  }

  #came(state: AgentState): void {
    const before = this.state;
    this.state = state;
    this.skew = state.serverTime - Date.now();
    this.now = this.#heard = Date.now();
    this.unavailable = false;
    if (state.state === "logged_off") {
      if (this.#comeBack) {
        this.#comeBack = false;
        void this.takeDesk();
      } else if (before && before.state !== "logged_off") {
        if (!this.#leaving) this.#note = () => t("wereLoggedOff");
        this.#stopPhone();
      }
      if (state.loginError) this.#problem = () => state.loginError;
    } else {
      this.#comeBack = this.#leaving = false;
      this.#problem = this.#note = silence;
      if (this.#phoneOf !== state.extension) void this.#startPhone(state.extension);
      this.#announce(state);
      void this.speak(choices.language);
    }
    this.#look();
  }

  // speak has the server word what it tells this agent, such as why there is Force Pause, in the page's language.
  async speak(language: string): Promise<void> {
    const agent = this.state?.agent ?? "";
    const key = `ringmaster.speaks.${agent}`, wanted = `${agent} ${language}`;
    if (!agent || this.#speaks === wanted) return;
    this.#speaks = wanted;
    if (remembered(key) === language) return;
    const me = await ask<{ agent_id: number | null }>("/api/v1/me");
    if (me.status !== 200 || !me.body.agent_id || this.ownPassword) return; // who has several agents has their languages set elsewhere
    const reply = await ask(`/api/v1/agents/${me.body.agent_id}/language`, { method: "POST", body: { language } });
    if (reply.status === 204) remember(key, language);
    else if (!reply.status) this.#speaks = "";
  }

  #stopPhone(): void {
    this.#phoneOf = "";
    this.phone.stop();
  }

  // #startPhone is for an agent who is at work: also after a reload, when the phone has to register again.
  async #startPhone(extension: string): Promise<void> {
    this.#phoneOf = extension;
    this.#phoneTried = Date.now();
    const known = this.#session && Date.now() - this.#session.at < 30_000 ? accountOf(this.#session.body) : null;
    this.#session = null;
    const account = known?.extension === extension ? known : await this.#phoneAccount();
    if (this.#phoneOf !== extension) return;
    if (account?.extension === extension) await this.phone.start(account);
    else this.phone.stop(); // a phone on the table
  }

  async #phoneAccount(): Promise<PhoneOf | null> {
    let reply = await ask<Session>("/api/v1/session");
    if (reply.status === 403 && this.state?.agent) reply = await ask<Session>(`/api/v1/session?login=${encodeURIComponent(this.state.agent)}`);
    if (reply.status !== 200) {
      if (reply.status !== 403) this.#phoneOf = ""; // it is tried again
      return null;
    }
    return accountOf(reply.body);
  }

  // #announce tells of a call that comes: by a tone, and outside of the page if nobody looks at it.
  #announce(state: AgentState): void {
    const call = state.trace || state.number;
    if (call && call !== this.#keysOf) { // by a nailed-up leg it is the phone's call still
      this.#keysOf = call;
      this.phone.keys = [];
    }
    if (!inCall.includes(state.state) || !state.automatic || !call || this.#rungFor === call) return;
    this.#rungFor = call;
    if (this.phone.status === "ready") void this.phone.ring();
    if (document.hidden && "Notification" in window && Notification.permission === "granted") {
      const note = new Notification(t("callComes"), { body: state.number, tag: "ringmaster.call", icon: "/assets/logo.svg" });
      note.onclick = () => { window.focus(); note.close(); };
      setTimeout(() => note.close(), 8000);
    }
  }

  #beat(): void {
    const before = this.now;
    this.now = Date.now();
    if (this.now - before > sleptFor) this.#tab?.doubt();
    this.#look();
    void this.phone.beat();
    if (this.there && this.connected && !this.#phoneOf && this.now - this.#phoneTried > 5000) void this.#startPhone(this.state?.extension ?? "");
  }

  // #look has the drafts sent that are due.
  #look(last = false): void {
    const { state } = this;
    if (state && this.connected !== false && state.state !== "logged_off") {
      this.drafts.look(state, Date.now() + this.skew, () => this.state?.callError ?? "", last);
    }
  }
}

function accountOf({ webrtc, mediatel }: Session): PhoneOf | null {
  return webrtc ? { extension: mediatel.extension, account: webrtc } : null;
}

// bePresent keeps a stream open for as long as somebody sits here: in the demo the simulated agent steps aside meanwhile.
function bePresent(): Promise<void> {
  if (!told.presence) return Promise.resolve();
  const stream = new EventSource(told.presence);
  return new Promise((resolve) => {
    stream.onopen = () => resolve();
    stream.onerror = () => resolve();
  });
}
