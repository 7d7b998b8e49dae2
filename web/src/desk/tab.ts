// An agent's tab at the gateway: Mediatel's protocol over the official Socket.IO client, and nothing of the page.
import { io } from "socket.io-client";
import { read, type AgentState } from "./state";

const answerLimit = 6000; // milliseconds for the server to say that it has a command
const beatEvery = 8000, beatLimit = 5000; // milliseconds: a network that is gone is noticed before the connection's own heartbeat does

// Result of a command: "done" when the server has dealt with it (what it refused, the state says), "offline" when it was not sent, and
// "unknown" when nobody can tell. None is kept and sent later: by then it might end another call than was meant.
export type Result = "done" | "offline" | "unknown";

export interface Listener {
  onState(state: AgentState): void;
  onConnection(known: boolean, reason?: string): void; // whether what was shown last is still true; the reason if the server refuses
  onUnavailable(): void;
  onBeat(): void; // whenever the server is heard of, also in a page that is not looked at
}

export type Tab = ReturnType<typeof openTab>;

// base is the server's address, where the page is not of it.
export function openTab({ onState, onConnection, onUnavailable, onBeat }: Listener, base = "") {
  const socket = io(base || location.origin, { path: "/mediatel/socket.io/", transports: ["websocket"], withCredentials: true, multiplex: false, reconnectionDelayMax: 3000 });
  let reachable = true;
  let fresh = false; // a state has come by this connection
  const tell = (reason?: string) => onConnection(socket.connected && reachable && fresh, reason);
  socket.on("connect", () => { reachable = true; });
  socket.on("disconnect", (reason) => {
    fresh = false;
    tell();
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), 1000); // the client does not come back from that by itself
  });
  socket.on("connect_error", (error) => { fresh = false; tell(error.message); });
  socket.on("data", (data: unknown) => {
    if (!data || typeof data !== "object") return;
    fresh = true;
    onState(read(data as Parameters<typeof read>[0]));
    tell();
    onBeat();
  });
  socket.on("agentUnavailable", () => onUnavailable());
  socket.io.on("ping", onBeat);

  const gone = () => {
    if (!reachable) return;
    reachable = false;
    tell();
  };
  // back is a new connection: what the old one missed, nobody knows.
  const back = () => {
    if (reachable) return;
    reachable = true;
    fresh = false;
    socket.disconnect().connect();
  };
  // A proxy or a firewall may forget the one connection while others work, so the connection itself is asked. A command that the
  // server is busy with is waited for instead.
  let pending = 0;
  const answers = () => new Promise<boolean>((resolve) => {
    if (pending) resolve(true);
    else socket.timeout(beatLimit).emit("beat", (error: unknown) => resolve(!error));
  });
  const beat = async () => {
    if (socket.connected && reachable) {
      if (await answers()) return onBeat();
      gone();
    }
    try {
      await fetch(`${base}/assets/logo.svg`, { method: "HEAD", cache: "no-store", mode: base ? "no-cors" : "same-origin", signal: AbortSignal.timeout(beatLimit) });
      back();
    } catch {
      gone();
    }
  };
  const beating = setInterval(beat, beatEvery);
  const offline = () => gone(), online = () => void beat();
  const seen = () => { if (!document.hidden) void beat(); };
  const doubt = () => { // this machine has slept, or the page was frozen
    gone();
    void beat();
  };
  addEventListener("offline", offline);
  addEventListener("online", online);
  document.addEventListener("visibilitychange", seen);
  document.addEventListener("resume", doubt);

  const send = (type: string, fields: Record<string, unknown> = {}) => new Promise<Result>((resolve) => {
    if (!socket.connected || !reachable) {
      resolve("offline");
      return;
    }
    pending++;
    socket.timeout(answerLimit).emit("data", { type, ...fields }, (error: unknown) => {
      pending--;
      if (error) void beat();
      resolve(error ? "unknown" : "done");
    });
  });
  return {
    doubt,
    login: (user: string, password: string, extension: string) => send("login", { user, password, extension }),
    logout: () => send("logout"),
    call: (phoneNumber: string, queueName: string) => send("makeCall", { phoneNumber, queueName }),
    skip: (reason: string) => send("skip", { reason }),
    hangUp: () => send("closeCall"),
    pause: (id: string) => send("pause", { id }),
    toggleAutoCall: () => send("predictive"),
    hold: () => send("holdCall"),
    retrieve: () => send("retrieveCall"),
    toggleMute: () => send("muteCall"),
    code: ({ id, trace, callbackAt }: { id: string; trace: string; callbackAt: string | null }) =>
      send("resolutionSet", callbackAt ? { id, callTraceID: trace, callbackAt } : { id, callTraceID: trace }),
    close: () => {
      clearInterval(beating);
      removeEventListener("offline", offline);
      removeEventListener("online", online);
      document.removeEventListener("visibilitychange", seen);
      document.removeEventListener("resume", doubt);
      socket.close();
    },
  };
}
