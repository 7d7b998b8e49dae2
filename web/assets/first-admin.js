// The page behind the one-time link: it makes the first admin. The link's token stands behind #, so that no log has it.
import { header, t } from "./page.js";

const $ = (id) => document.getElementById(id);
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname); // nor does the history
header("first-admin", { docs: "/docs" });

$("make").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  button.disabled = true;
  $("problem").textContent = "";
  try {
    const reply = await fetch("/api/v1/first-admin", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, login: $("login").value, password: $("password").value }),
    });
    if (reply.ok) {
      $("make").hidden = true;
      $("made").hidden = false;
      return;
    }
    const problem = await reply.json().catch(() => ({}));
    $("problem").textContent = reply.status === 403 || !token ? t("linkDead") : [problem.detail, ...(problem.errors ?? []).map((e) => e.message)].join(" ");
  } catch {
    $("problem").textContent = t("lost");
  } finally {
    button.disabled = false;
  }
});
