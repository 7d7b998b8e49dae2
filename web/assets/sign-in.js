// The sign-in page: name and password, or single sign-on; then on to the page that was wanted.
import { ask, refusal } from "./api.js";
import { header, onLanguage, setText, t, told } from "./page.js";

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const homes = { agent: "/agent", supervisor: "/", admin: "/" };

// ours is an address of this server; whatever else a link to this page names is not gone to.
function ours(address) {
  try {
    const url = new URL(address, location.origin);
    return address && url.origin === location.origin && url.pathname !== "/sign-in" ? url.pathname + url.search + url.hash : null;
  } catch {
    return null;
  }
}

const wanted = ours(query.get("to"));
let problem = () => ""; // what went wrong, in the language that is chosen now
const show = () => setText($("problem"), problem());

function tell(what) {
  problem = what;
  show();
}

async function signIn(event) {
  event.preventDefault();
  const button = $("sign-in");
  button.disabled = true;
  tell(() => "");
  const reply = await ask("/api/v1/login", { method: "POST", body: { login: $("user").value.trim(), password: $("password").value } });
  button.disabled = false;
  if (reply.status !== 200) {
    tell(() => why(reply));
    $("password").select();
    return;
  }
  if ((await ask("/api/v1/me")).status === 401) { // a browser keeps no cookie for https on a page of http
    tell(() => t("cookieLost"));
    return;
  }
  location.replace(wanted ?? homes[reply.body.role] ?? "/");
}

function why(reply) {
  switch (reply.status) {
    case 0: return t("unreachable");
    case 401: return t("badLogin");
    case 429: return t("tooManyTries", { seconds: reply.retryAfter || 60 });
    default: return refusal(reply) || t("failedLogin", { reason: reply.status });
  }
}

header("sign-in", {});
onLanguage(show);
$("user").value = query.get("login") ?? told.login ?? "";
$(($("user").value ? "password" : "user")).focus();
$("form").addEventListener("submit", signIn);
if (told.signOn) {
  const there = new URL(told.signOn);
  there.searchParams.set("url", new URL(wanted ?? "/", location.origin).href);
  $("sign-on").href = there.href;
  $("single").hidden = false;
}
