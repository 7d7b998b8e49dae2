// The page behind the one-time link: it makes the first admin. The link's token stands behind #, so that no log has it.
import { ask, refusal } from "./api.js";
import { header, onLanguage, setText, t } from "./page.js";

const $ = (id) => document.getElementById(id);
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname); // nor does the history
let problem = () => ""; // what went wrong, in the language that is chosen now
const show = () => setText($("problem"), problem());
header("first-admin", { docs: "/docs" });
onLanguage(show);

$("make").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  button.disabled = true;
  problem = () => "";
  show();
  const reply = await ask("/api/v1/first-admin", { method: "POST", body: { token, login: $("login").value.trim(), password: $("password").value } });
  button.disabled = false;
  if (reply.status === 201) {
    location.replace("/"); // the reply has signed the admin in
    return;
  }
  problem = () => (reply.status === 0 ? t("unreachable") : reply.status === 403 || !token ? t("linkDead") : refusal(reply) || t("failedLogin", { reason: reply.status }));
  show();
});
