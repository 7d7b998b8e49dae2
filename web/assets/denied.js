// Shown in the place of a page that the visitor's role does not open.
import { ask, toSignIn } from "./api.js";
import { header, onLanguage, setText, t } from "./page.js";

const $ = (id) => document.getElementById(id);
const page = location.pathname === "/agent" ? "desk" : "console";
let me = null;

function show() {
  setText($("why"), me ? t(`denied_${page}`, { name: me.login, role: t(`role_${me.role}`) }) : t(`denied_${page}_unknown`));
  const home = { agent: ["/agent", "desk"], supervisor: ["/", "console"], admin: ["/", "console"] }[me?.role];
  $("own").hidden = !home || home[1] === page;
  if (home) {
    $("own").href = home[0];
    setText($("own"), t(home[1]));
  }
}

header("denied", {});
onLanguage(show);
$("other").addEventListener("click", async () => {
  await ask("/api/v1/logout", { method: "POST" });
  toSignIn();
});
const reply = await ask("/api/v1/me");
me = reply.status === 200 ? reply.body : null;
show();
