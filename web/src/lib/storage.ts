// What this browser keeps for the page. Storage may be forbidden, or full: then a choice lasts as long as the page.
const here = new Map<string, string>();

export function remembered(key: string): string | null {
  try {
    return here.get(key) ?? localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
    here.delete(key);
  } catch {
    here.set(key, value);
  }
}

export function forget(key: string): void {
  here.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // it was never kept
  }
}

export function keys(prefix: string): string[] {
  const kept = new Set(here.keys());
  try {
    for (const key of Object.keys(localStorage)) kept.add(key);
  } catch {
    // nothing is kept beyond this page
  }
  return [...kept].filter((key) => key.startsWith(prefix));
}

// read is a kept value of JSON, or null if there is none that can be read.
export function read<T>(key: string): T | null {
  try {
    return JSON.parse(remembered(key) ?? "null") as T | null;
  } catch {
    return null;
  }
}
