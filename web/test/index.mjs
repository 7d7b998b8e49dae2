// The index of a folder of pictures, to look through: node index.mjs FOLDER. It fails if a picture is missing.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { languages, looks } from "./looks.mjs";

const folder = process.argv[2];
const pages = new Map();
for (const file of readdirSync(folder).filter((name) => name.endsWith(".png")).sort()) {
  const page = file.slice(0, file.indexOf("."));
  pages.set(page, [...pages.get(page) ?? [], file]);
}
const missing = [...pages].flatMap(([page, files]) => looks.map((look) => `${page}.${look}.png`).filter((file) => !files.includes(file)));
const widths = [...new Set(looks.map((look) => look.split(".")[2]))];
const switches = [...new Set(looks.flatMap((look) => look.split(".")))];

const picture = (page, look) => `<a class="${look.split(".").map((part) => `is-${part}`).join(" ")}" href="${page}.${look}.png"><img loading="lazy" alt="${page} ${look}" src="${page}.${look}.png"><span>${look}</span></a>`;
writeFileSync(join(folder, "index.html"), `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Ringmaster: ${pages.size} pages, ${pages.size * looks.length} pictures</title>
<style>
  body { font: 14px system-ui, sans-serif; margin: 1rem; background: #777; color: #fff; }
  nav { position: sticky; top: 0; padding: .5rem; background: #555; }
  section { margin-block: 1rem; }
  .row { display: flex; align-items: start; gap: .5rem; margin-block: .5rem; }
  a { color: inherit; text-decoration: none; font-size: 11px; }
  img { display: block; width: 24rem; max-height: 40rem; object-fit: cover; object-position: top; }
  .is-${widths.at(-1)} img { width: 9rem; }
  ${switches.map((one) => `body:has(#only-${one}:not(:checked)) .is-${one} { display: none; }`).join("\n  ")}
</style>
<nav>${switches.map((one) => `<label><input type="checkbox" id="only-${one}" checked> ${one}</label>`).join(" ")}</nav>
${[...pages.keys()].map((page) => `<section><h2 id="${page}">${page}</h2>
${languages.map((language) => `<div class="row">${looks.filter((look) => look.startsWith(`${language}.`)).map((look) => picture(page, look)).join("")}</div>`).join("\n")}
</section>`).join("\n")}
</html>
`);
console.log(`${pages.size} pages, ${[...pages.values()].flat().length} pictures: ${join(folder, "index.html")}`);
if (missing.length || !pages.size) {
  console.error(`missing: ${missing.join(", ") || "everything"}`);
  process.exitCode = 1;
}
