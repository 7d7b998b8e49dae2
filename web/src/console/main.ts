import { mount } from "svelte";
import "./console.css";
import Console from "./Console.svelte";

const target = document.getElementById("app");
if (target) {
  const shell = [...target.childNodes];
  mount(Console, { target });
  for (const node of shell) node.remove(); // in the same task: nothing is painted between
  target.removeAttribute("aria-busy");
}
