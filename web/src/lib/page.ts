// Small things that the pages share.

// told is what the server tells its pages, such as whether this is the demo.
export const told = document.documentElement.dataset;
export const isDemo = "demo" in told;

// spaced writes +447700900123 as +44 7700 900123: easier to read, the same to copy into a telephone.
export function spaced(phone: string): string {
  return phone.replace(/^(\+44)(\d{4})(\d{6})$/, "$1 $2 $3").replace(/^(\+380)(\d{2})(\d{3})(\d{2})(\d{2})$/, "$1 $2 $3 $4 $5")
    .replace(/^(\+1)(\d{3})(\d{3})(\d{4})$/, "$1 $2 $3 $4");
}

// safeLink is a link that a server sent, if a browser may follow it; else "".
export function safeLink(link: string): string {
  try {
    const url = new URL(link, location.origin);
    return link && (url.protocol === "https:" || url.protocol === "http:") ? url.href : "";
  } catch {
    return "";
  }
}

// script is the address of one of our own scripts, as browsers with Trusted Types want it: no other address is ever a script's.
const policy = window.trustedTypes?.createPolicy("ringmaster", {
  createScriptURL: (name: string) => {
    if (!/^[a-z]+$/.test(name)) throw new TypeError(`no script of ours: ${name}`);
    return `/assets/dist/${name}.js`;
  },
});

export function script(name: string): string {
  return (policy?.createScriptURL(name) ?? `/assets/dist/${name}.js`) as string;
}

interface Policy {
  createScriptURL(name: string): unknown;
}

declare global {
  interface Window {
    trustedTypes?: { createPolicy(name: string, rules: { createScriptURL: (name: string) => string }): Policy };
  }
}
