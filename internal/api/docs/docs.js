// Renders /openapi.json: routes by tag, their parameters, bodies and replies. All text is set as text, never as HTML.
"use strict";

const el = (tag, text, ...children) => {
  const node = document.createElement(tag);
  if (text !== null) node.textContent = text;
  node.append(...children);
  return node;
};

let doc;
const resolve = (schema) => (schema && schema.$ref ? doc.components.schemas[schema.$ref.split("/").pop()] : schema) || {};

const typeName = (schema) => {
  const s = resolve(schema);
  const types = [s.type].flat().filter(Boolean);
  if (types.includes("array")) return typeName(s.items) + "[]" + (types.includes("null") ? " or null" : "");
  const name = schema && schema.$ref ? schema.$ref.split("/").pop() : types.join(" or ") || "any";
  return name + (s.format && !["int64", "double"].includes(s.format) ? ` (${s.format})` : "");
};

const remarks = (schema, required) => {
  const s = resolve(schema);
  const parts = [];
  if (required) parts.push("required");
  if (s.enum) parts.push("one of " + s.enum.join(", "));
  if (s.minimum !== undefined || s.maximum !== undefined) parts.push(`${s.minimum ?? "…"} to ${s.maximum ?? "…"}`);
  if (s.default !== undefined) parts.push("default " + s.default);
  if (s.examples) parts.push("such as " + s.examples.map((e) => JSON.stringify(e)).join(", "));
  return parts.join("; ");
};

// fields lists a schema's properties; those that are objects themselves open below, each once on its way down.
const fields = (schema, seen = []) => {
  const s = resolve(schema);
  if ([s.type].flat().includes("array")) return fields(s.items, seen);
  if (!s.properties) return el("p", typeName(schema));
  const table = el("table", null);
  for (const [name, property] of Object.entries(s.properties)) {
    const text = [property.description ?? "", remarks(property, (s.required ?? []).includes(name))].filter(Boolean).join(" — ");
    const cell = el("td", text);
    const inner = [resolve(property).type].flat().includes("array") ? resolve(property).items
      : typeof resolve(property).additionalProperties === "object" ? resolve(property).additionalProperties : property;
    if (inner && inner.$ref && !seen.includes(inner.$ref)) cell.append(el("div", null, fields(inner, [...seen, inner.$ref])));
    table.append(el("tr", null, el("td", null, el("code", name)), el("td", typeName(property)), cell));
  }
  return table;
};

const content = (title, body) => {
  const parts = [];
  for (const [kind, media] of Object.entries(body.content ?? {})) {
    parts.push(el("h4", `${title}: ${kind}`), fields(media.schema));
  }
  return parts;
};

const operation = (method, path, op) => {
  const inside = el("div", null);
  for (const line of (op.description ?? "").split("\n\n").filter(Boolean)) inside.append(el("p", line));
  if (op.parameters) {
    const table = el("table", null);
    for (const p of op.parameters) {
      const text = [p.description ?? "", remarks(p.schema, p.required)].filter(Boolean).join(" — ");
      table.append(el("tr", null, el("td", null, el("code", p.name)), el("td", p.in), el("td", typeName(p.schema)), el("td", text)));
    }
    inside.append(el("h4", "Parameters"), table);
  }
  if (op.requestBody) inside.append(...content("Body", op.requestBody));
  for (const [status, reply] of Object.entries(op.responses ?? {})) {
    if (status.startsWith("2")) inside.append(...content(`Reply ${status}`, reply));
  }
  const refusals = Object.keys(op.responses ?? {}).filter((s) => !s.startsWith("2"));
  if (refusals.length) inside.append(el("p", "Refusals: " + refusals.join(", ")));
  const node = el("details", null,
    el("summary", null, Object.assign(el("span", method.toUpperCase()), { className: "method" }), el("code", path),
      Object.assign(el("span", op.summary ?? ""), { className: "says" })), inside);
  node.dataset.find = `${method} ${path} ${op.summary ?? ""}`.toLowerCase();
  return node;
};

const show = () => {
  document.getElementById("title").textContent = `${doc.info.title} API ${doc.info.version}`;
  document.getElementById("about").textContent = doc.info.description ?? "";
  const byTag = new Map();
  for (const [path, methods] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(methods)) {
      if (!op.operationId) continue;
      const tag = op.tags?.[0] ?? "Other";
      byTag.set(tag, [...(byTag.get(tag) ?? []), operation(method, path, op)]);
    }
  }
  const routes = document.getElementById("routes");
  routes.replaceChildren(...[...byTag].map(([tag, nodes]) => el("section", null, el("h2", tag), ...nodes)));
  document.getElementById("search").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const node of routes.querySelectorAll("details")) node.hidden = !node.dataset.find.includes(wanted);
  });
};

fetch("/openapi.json")
  .then((reply) => (reply.ok ? reply.json() : Promise.reject(new Error(`HTTP ${reply.status}`))))
  .then((read) => { doc = read; show(); })
  .catch((error) => document.getElementById("routes").replaceChildren(el("p", `/openapi.json cannot be read: ${error.message}`)));
