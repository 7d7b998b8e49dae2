// Which page of the console is shown: the part of the address behind #.
class Router {
  path = $state(read());

  constructor() {
    addEventListener("hashchange", () => { this.path = read(); });
  }

  get page(): string {
    return this.path[0] ?? "";
  }

  get id(): string {
    return this.path[1] ?? "";
  }
}

function read(): string[] {
  return location.hash.replace(/^#\/?/, "").split("/").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
}

export const router = new Router();

export function go(...path: (string | number)[]): void {
  location.hash = `/${path.map((part) => encodeURIComponent(part)).join("/")}`;
}
