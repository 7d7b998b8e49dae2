// What this browser keeps for the page. Storage may be forbidden: then a choice lasts as long as the page.
const here = new Map<string, string>();

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return here.get(key) ?? null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    here.set(key, value);
  }
}

export function forget(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    here.delete(key);
  }
}

export function keys(prefix: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    return [...here.keys()].filter((key) => key.startsWith(prefix));
  }
}

// read is a kept value of JSON, or null if there is none that can be read.
export function read<T>(key: string): T | null {
  try {
    return JSON.parse(remembered(key) ?? "null") as T | null;
  } catch {
    return null;
  }
}
