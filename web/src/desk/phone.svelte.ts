// The agent's phone: JsSIP over the WebSocket that the session names. It registers, answers by itself, and says what is wrong with it.
import JsSIP from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import { Microphone, type MicTrouble } from "./microphone.svelte";
import { between, counts, type Counts, type Quality } from "./quality";

const registerLimit = 8000; // milliseconds
const gatherLimit = 400; // milliseconds to look for ways to the server: ours has one address, and needs none but the first
const renewEarly = 60_000; // milliseconds before the password ends

export interface PhoneAccount {
  url: string;
  realm: string;
  authorization_user: string;
  password: string;
  register_expires: number;
  expires_at: string;
}

export interface PhoneOf {
  extension: string;
  account: PhoneAccount;
}

export type PhoneTrouble = MicTrouble | "not_registered" | "no_server" | "ice_failed" | "sound_blocked";
export interface Key {
  key: string;
  state: "sending" | "sent" | "lost";
}

export type PhoneStatus =
  | "none" // this agent's phone is not in the browser
  | "starting" | "ready" | "failed"
  | "elsewhere"; // another tab of this browser is the phone

interface Requester { // its types leave that out
  sendRequest(method: string, options: { extraHeaders: string[]; body: string; eventHandlers: Record<string, () => void> }): void;
}

export class Phone {
  status = $state<PhoneStatus>("none");
  trouble = $state<PhoneTrouble>("");
  detail = $state(""); // the trouble in the server's words
  inCall = $state(false);
  quality = $state<Quality | null>(null);
  keys = $state.raw<Key[]>([]); // pressed in this call
  readonly microphone = new Microphone();
  renew: () => Promise<PhoneOf | null> = async () => null; // asks for the account anew

  #ua: JsSIP.UA | null = null;
  #call: RTCSession | null = null;
  #counts: Counts[] = [];
  #sound = new Audio();
  #ringing = new Audio();
  #release: (() => void) | null = null; // gives up being this browser's phone
  #renewAt = 0;
  #testing = false; // who tests registers by himself

  constructor() {
    this.#sound.autoplay = true;
    this.microphone.changed = () => void this.#microphoneChanged();
  }

  // start makes this tab the phone of the extension. It waits for another tab of this browser that is it.
  async start(of: PhoneOf): Promise<void> {
    this.stop();
    this.status = "starting";
    if (!(await this.#only(of.extension))) return;
    await this.#register(of);
  }

  stop(): void {
    this.#ua?.stop();
    this.#ua = null;
    this.#call = null;
    this.inCall = false;
    this.quality = null;
    this.#release?.();
    this.#release = null;
    this.status = "none";
    this.trouble = "";
    this.detail = "";
    this.microphone.close();
  }

  // test answers whether a call would be answered now: the microphone is open and the server knows this phone.
  async test(): Promise<boolean> {
    if (this.status === "none" || this.status === "elsewhere") return true;
    this.#testing = true;
    try {
      if (!(await this.#haveMicrophone())) return false;
    } finally {
      this.#testing = false;
    }
    const ua = this.#ua;
    if (!ua || !ua.isConnected()) {
      const fresh = await this.renew();
      if (!fresh) {
        this.#failed("no_server");
        return false;
      }
      this.status = "starting";
      await this.#register(fresh);
      await this.#until(() => this.status !== "starting");
      return (this.status as PhoneStatus) === "ready";
    }
    const events = ua as unknown as { removeListener(name: string, listener: () => void): void }; // its types leave that out
    return new Promise((resolve) => {
      const done = (is: boolean) => {
        clearTimeout(late);
        events.removeListener("registered", yes);
        events.removeListener("registrationFailed", no);
        if (is) this.#ready();
        resolve(is);
      };
      const yes = () => done(true), no = () => done(false);
      const late = setTimeout(() => { this.#failed("not_registered"); done(false); }, registerLimit);
      ua.on("registered", yes);
      ua.on("registrationFailed", no);
      ua.register();
    });
  }

  // sendKey presses a key. JsSIP's own sendDTMF would end the call if the server could not be reached just then.
  sendKey(key: string): void {
    const call = this.#call as (RTCSession & Requester) | null;
    if (!call) return;
    const mine: Key = { key, state: "sending" };
    const became = (state: Key["state"]) => () => {
      Object.assign(mine, { state });
      if (this.#call === call) this.keys = [...this.keys];
    };
    this.keys = [...this.keys, mine].slice(-32);
    const lost = became("lost");
    if (!this.#ua?.isConnected()) return lost();
    call.sendRequest("INFO", {
      extraHeaders: ["Content-Type: application/dtmf-relay"], body: `Signal=${key}\r\nDuration=160`,
      eventHandlers: { onSuccessResponse: became("sent"), onErrorResponse: lost, onRequestTimeout: lost, onTransportError: lost, onDialogError: lost },
    });
  }

  // unblock lets the sound be heard, by a click of the agent's.
  async unblock(): Promise<void> {
    try {
      await this.#sound.play();
      if (this.trouble === "sound_blocked") this.trouble = "";
    } catch {
      this.trouble = "sound_blocked";
    }
  }

  // beat is called each second.
  async beat(): Promise<void> {
    if (this.#renewAt && Date.now() > this.#renewAt && this.#ua) {
      this.#renewAt = Date.now() + 30_000; // or try again then
      const fresh = await this.renew();
      if (fresh) this.#take(fresh.account);
    }
    await this.#measure();
  }

  async setSpeaker(id: string): Promise<void> {
    await this.microphone.choose({ speaker: id });
    await sinkTo(this.#sound, id);
  }

  // ring is a short tone in the device for ringing, for a call that is about to come.
  async ring(): Promise<void> {
    try {
      const context = this.microphone.context();
      const tone = new OscillatorNode(context, { frequency: 880 });
      const volume = new GainNode(context, { gain: 0.15 });
      const out = context.createMediaStreamDestination();
      tone.connect(volume).connect(out);
      tone.start();
      tone.stop(context.currentTime + 0.35);
      this.#ringing.srcObject = out.stream;
      await sinkTo(this.#ringing, this.microphone.choice.ring);
      await this.#ringing.play();
    } catch {
      // the page may make no sound yet
    }
  }

  // #only waits until no other tab of this browser is the extension's phone; false: it was stopped meanwhile.
  #only(extension: string): Promise<boolean> {
    if (!navigator.locks) return Promise.resolve(true);
    const giveUp = new AbortController();
    return new Promise((resolve) => {
      const waiting = setTimeout(() => { this.status = "elsewhere"; }, 300);
      this.#release = () => { giveUp.abort(); resolve(false); };
      navigator.locks.request(`ringmaster.phone.${extension}`, { signal: giveUp.signal }, () => new Promise<void>((free) => {
        clearTimeout(waiting);
        this.#release = free;
        this.status = "starting";
        resolve(true);
      })).catch(() => clearTimeout(waiting)); // it was stopped while it waited
    });
  }

  async #register({ extension, account }: PhoneOf): Promise<void> {
    if (!(await this.#haveMicrophone())) return; // without one nobody would be heard: no call is to come
    this.#ua?.stop();
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(account.url)], uri: `sip:${extension}@${account.realm}`, realm: account.realm,
      authorization_user: account.authorization_user, password: account.password, register_expires: account.register_expires,
      session_timers: false, connection_recovery_min_interval: 1, connection_recovery_max_interval: 5, user_agent: "Ringmaster desk",
    });
    this.#ua = ua;
    this.#renewAt = Date.parse(account.expires_at) - renewEarly;
    const mine = (run: () => void) => () => { if (this.#ua === ua) run(); };
    ua.on("registered", mine(() => this.#ready()));
    ua.on("disconnected", mine(() => this.#failed("no_server")));
    ua.on("registrationFailed", ({ cause, response }) => {
      if (this.#ua === ua) this.#failed("not_registered", response ? `${response.status_code} ${response.reason_phrase}` : String(cause ?? ""));
    });
    ua.on("newRTCSession", ({ session, originator }: { session: RTCSession; originator: string }) => {
      if (originator === "remote") void this.#answer(session);
    });
    ua.start();
  }

  #take(account: PhoneAccount): void { // in place: a call goes on
    this.#ua?.set("authorization_user", account.authorization_user);
    this.#ua?.set("password", account.password);
    this.#renewAt = Date.parse(account.expires_at) - renewEarly;
  }

  async #answer(call: RTCSession): Promise<void> {
    call.on("peerconnection", ({ peerconnection }: { peerconnection: RTCPeerConnection }) => this.#watch(peerconnection));
    let waiting = false;
    call.on("icecandidate", ({ ready }: { ready: () => void }) => {
      if (!waiting) setTimeout(ready, gatherLimit);
      waiting = true;
    });
    const over = () => {
      if (this.#call !== call) return;
      this.#call = null;
      this.inCall = false;
      this.quality = null;
      this.#sound.srcObject = null;
      if (this.trouble === "ice_failed" || this.trouble === "sound_blocked") this.trouble = "";
    };
    call.on("ended", over);
    call.on("failed", over);
    const stream = await this.microphone.get();
    if (!stream) {
      call.terminate({ status_code: 480 });
      this.#failed(this.microphone.trouble);
      return;
    }
    this.#call = call;
    this.keys = [];
    this.#counts = [];
    this.inCall = true;
    call.answer({ mediaStream: stream, pcConfig: { iceServers: [] } });
  }

  #watch(connection: RTCPeerConnection): void {
    connection.addEventListener("track", ({ streams, track }) => {
      this.#sound.srcObject = streams[0] ?? new MediaStream([track]);
      void sinkTo(this.#sound, this.microphone.choice.speaker);
      void this.unblock();
    });
    connection.addEventListener("iceconnectionstatechange", () => {
      if (connection.iceConnectionState === "failed") this.trouble = "ice_failed";
      else if (connection.iceConnectionState === "connected" && this.trouble === "ice_failed") this.trouble = "";
    });
  }

  async #measure(): Promise<void> {
    const connection = this.#call?.connection;
    if (!connection) return;
    const report = await connection.getStats();
    const now = counts([...(report as unknown as Map<string, Record<string, unknown>>).values()], Date.now());
    this.#counts.push(now);
    if (this.#counts.length > 6) this.#counts.shift();
    const [first] = this.#counts;
    if (first && now.at - first.at >= 2000) this.quality = between(first, now);
  }

  async #microphoneChanged(): Promise<void> {
    if (this.microphone.trouble === "mic_gone") {
      this.#failed("mic_gone");
      if (!this.#call) this.#ua?.unregister(); // so that no call comes which nobody could be heard in
      return;
    }
    const [track] = this.microphone.stream?.getAudioTracks() ?? [];
    const sender = this.#call?.connection?.getSenders().find((s) => s.track?.kind === "audio");
    if (track && sender) await sender.replaceTrack(track).catch(() => {});
    if (this.status !== "failed" || this.#testing) return;
    if (this.#ua) this.#ua.register();
    else {
      const fresh = await this.renew();
      if (fresh && !this.#ua) await this.#register(fresh);
    }
  }

  async #haveMicrophone(): Promise<boolean> {
    if (await this.microphone.get()) return true;
    this.#failed(this.microphone.trouble);
    return false;
  }

  #ready(): void {
    this.status = "ready";
    this.detail = "";
    if (this.trouble !== "ice_failed" && this.trouble !== "sound_blocked") this.trouble = "";
  }

  #failed(trouble: PhoneTrouble, detail = ""): void {
    this.status = "failed";
    this.trouble = trouble;
    this.detail = detail;
  }

  async #until(is: () => boolean): Promise<void> {
    for (const late = Date.now() + registerLimit; !is() && Date.now() < late;) await new Promise((done) => setTimeout(done, 100));
  }
}

async function sinkTo(sound: HTMLAudioElement, id: string): Promise<void> {
  try {
    await (sound as HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> }).setSinkId?.(id);
  } catch {
    // it is not plugged in today: the system's will do
  }
}
