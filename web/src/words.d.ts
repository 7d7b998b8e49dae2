// The catalogues as the server makes a script of them, so that the pages need no building when a text changes.
declare module "ringmaster:words" {
  export const languages: Record<string, string>;
  export const words: import("./lib/phrases").Catalogues;
}

declare module "*.css";
