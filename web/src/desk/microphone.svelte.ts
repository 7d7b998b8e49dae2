// The microphone and the other devices of sound: chosen, opened, measured.
import { read, remember } from "../lib/storage";

const key = "ringmaster.devices";

export type MicTrouble = "" | "mic_refused" | "mic_missing" | "mic_busy" | "mic_insecure" | "mic_gone" | "mic_silenced";

export interface Choice {
  mic: string; // ids of devices; "" is the system's
  speaker: string;
  ring: string;
}

export class Microphone {
  trouble = $state<MicTrouble>("");
  level = $state(0); // 0 to 1
  open = $state(false);
  asking = $state(false); // the browser asks the agent for the permission
  devices = $state.raw<MediaDeviceInfo[]>([]);
  choice = $state<Choice>({ mic: "", speaker: "", ring: "", ...read<Choice>(key) });
  stream: MediaStream | null = null;
  changed: () => void = () => {}; // is called when another device was opened, or the one that was open has gone

  #context: AudioContext | null = null;
  #analyser: AnalyserNode | null = null;
  #source: MediaStreamAudioSourceNode | null = null;
  #opening: Promise<MediaStream | null> | null = null;

  constructor() {
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.list());
    void this.#watchPermission();
  }

  // get answers the open microphone, or null and says why in trouble.
  get(): Promise<MediaStream | null> {
    if (this.live()) return Promise.resolve(this.stream);
    this.#opening ??= this.#open().finally(() => { this.#opening = null; });
    return this.#opening;
  }

  live(): boolean {
    return this.stream?.getAudioTracks().some((track) => track.readyState === "live") ?? false;
  }

  async choose(part: Partial<Choice>): Promise<void> {
    this.choice = { ...this.choice, ...part };
    remember(key, JSON.stringify(this.choice));
    if (part.mic !== undefined && this.stream) {
      this.close();
      await this.get();
    }
  }

  close(): void {
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.stream = null;
    this.open = false;
    this.level = 0;
  }

  async list(): Promise<void> {
    try {
      this.devices = await navigator.mediaDevices.enumerateDevices();
    } catch {
      this.devices = [];
    }
  }

  // measure takes the level of this moment.
  measure(): void {
    if (!this.#analyser || !this.live()) {
      this.level = 0;
      return;
    }
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, s) => sum + s * s, 0) / samples.length;
    this.level = Math.max(0, Math.min(1, 1 + Math.log10(power + 1e-9) / 5)); // -50 dB to 0 dB
  }

  // context is for sounds of ours; it runs once the page may make any.
  context(): AudioContext {
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") void this.#context.resume().catch(() => {});
    return this.#context;
  }

  async #open(): Promise<MediaStream | null> {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.trouble = "mic_insecure"; // browsers have it on pages of https alone
      return null;
    }
    this.asking = true;
    try {
      this.stream = await this.#ask();
      this.trouble = "";
      this.open = true;
      this.#listen(this.stream);
      await this.list();
      this.changed();
      return this.stream;
    } catch (error) {
      this.trouble = troubleOf(error);
      this.open = false;
      return null;
    } finally {
      this.asking = false;
    }
  }

  async #ask(): Promise<MediaStream> {
    const sound = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    if (this.choice.mic) {
      try {
        return await navigator.mediaDevices.getUserMedia({ audio: { ...sound, deviceId: { exact: this.choice.mic } } });
      } catch (error) {
        if (troubleOf(error) !== "mic_missing") throw error; // it is not plugged in today: the system's will do
      }
    }
    return navigator.mediaDevices.getUserMedia({ audio: sound });
  }

  #listen(stream: MediaStream): void {
    for (const track of stream.getAudioTracks()) {
      track.onended = () => {
        this.trouble = "mic_gone";
        this.open = false;
        this.changed();
      };
      track.onmute = () => { this.trouble = "mic_silenced"; };
      track.onunmute = () => { if (this.trouble === "mic_silenced") this.trouble = ""; };
    }
    try {
      const context = this.context();
      this.#source?.disconnect();
      this.#analyser ??= new AnalyserNode(context, { fftSize: 1024 });
      this.#source = context.createMediaStreamSource(stream);
      this.#source.connect(this.#analyser);
    } catch {
      this.#analyser = null; // no meter then
    }
  }

  // #watchPermission opens the microphone again as soon as it is allowed.
  async #watchPermission(): Promise<void> {
    try {
      const permission = await navigator.permissions.query({ name: "microphone" as PermissionName });
      permission.onchange = () => { if (permission.state === "granted" && this.trouble === "mic_refused") void this.get(); };
    } catch {
      // not every browser tells
    }
  }
}

function troubleOf(error: unknown): MicTrouble {
  switch ((error as DOMException)?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "mic_refused";
    case "NotReadableError":
    case "AbortError":
      return "mic_busy";
    default:
      return "mic_missing";
  }
}
