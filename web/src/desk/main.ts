import { mount } from "svelte";
import "./desk.css";
import DeskPage from "./Desk.svelte";

const target = document.getElementById("app");
if (target) {
  const shell = [...target.childNodes];
  mount(DeskPage, { target });
  for (const node of shell) node.remove(); // in the same task: nothing is painted between
  target.removeAttribute("aria-busy");
}
