// Builds dist, one file a page: node build.mjs. With --check it builds into a temporary folder, and fails unless dist is the same,
// byte by byte, and each page is within its size.
import { mkdtempSync, readFileSync, readdirSync, rmSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { build } from "vite";
import settings from "./svelte.config.js";

const root = dirname(fileURLToPath(import.meta.url));
const kB = 1000;
const entries = { // name → source, and what script and style may weigh together, compressed
  desk: { source: "src/desk/main.ts", most: 250 * kB },
  console: { source: "src/console/main.ts", most: 300 * kB },
  ringmaster: { source: "src/embed/ringmaster.svelte.ts", most: 90 * kB },
  live: { source: "src/lib/live.ts", most: 5 * kB },
  beat: { source: "src/lib/beat.ts", most: 1 * kB },
};

// licences adds the licences of the packages that went into a page: whoever gets the page gets them too.
function licences(name) {
  return {
    name: "licences",
    generateBundle(_, bundle) {
      const packages = new Set();
      for (const chunk of Object.values(bundle)) {
        for (const id of Object.keys(chunk.modules ?? {})) {
          const inside = id.split(`${sep}node_modules${sep}`).at(-1);
          if (id.includes(`${sep}node_modules${sep}`)) packages.add(inside.split(sep).slice(0, inside.startsWith("@") ? 2 : 1).join("/"));
        }
      }
      const texts = [...packages].sort().map((one) => {
        const folder = join(root, "node_modules", one);
        const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
        const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
        return `${one} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), "utf8").trim() : ""}\n`;
      });
      if (texts.length) this.emitFile({ type: "asset", fileName: `${name}.licences.txt`, source: texts.join("\n\n") });
    },
  };
}

async function make(outDir) {
  for (const [name, { source }] of Object.entries(entries)) {
    await build({
      root, configFile: false, publicDir: false, logLevel: "warn",
      plugins: [svelte({ configFile: false, ...settings }), licences(name)],
      build: {
        outDir, emptyOutDir: false, target: "es2023", cssTarget: ["chrome123", "firefox120", "safari17.5"], modulePreload: false, cssCodeSplit: false, reportCompressedSize: false, assetsInlineLimit: 0,
        rollupOptions: {
          input: { [name]: join(root, source) },
          external: ["ringmaster:words"], // the server makes it of messages/*.json
          preserveEntrySignatures: "strict",
          output: { paths: { "ringmaster:words": "/assets/words.js" }, format: "es", codeSplitting: false, entryFileNames: "[name].js", assetFileNames: `${name}[extname]` },
        },
      },
    });
  }
}

function sizes(folder) {
  let fits = true;
  for (const [name, { most }] of Object.entries(entries)) {
    const files = ["js", "css"].map((ending) => join(folder, `${name}.${ending}`)).filter((file) => existsSync(file));
    const size = files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 6 }).length, 0);
    console.log(`web: ${name}: ${(size / kB).toFixed(1)} kB compressed, at most ${most / kB}`);
    if (size > most) fits = false;
  }
  return fits;
}

function differences(one, other) {
  const names = new Set([...readdirSync(one), ...readdirSync(other)]);
  return [...names].filter((name) => {
    const [a, b] = [join(one, name), join(other, name)];
    return !existsSync(a) || !existsSync(b) || !readFileSync(a).equals(readFileSync(b));
  });
}

const dist = join(root, "dist");
if (process.argv.includes("--check")) {
  const fresh = mkdtempSync(join(tmpdir(), "ringmaster-web-"));
  try {
    await make(fresh);
    const wrong = differences(fresh, dist);
    if (wrong.length) {
      console.error(`web: dist is not of these sources: ${wrong.join(", ")}. Run: make web`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
} else {
  rmSync(dist, { recursive: true, force: true });
  await make(dist);
}
if (!sizes(dist)) {
  console.error(`web: too large: ${relative(process.cwd(), dist)}`);
  process.exitCode = 1;
}
