import { mount } from "svelte";
import "./desk.css";
import DeskPage from "./Desk.svelte";

const target = document.getElementById("app");
if (target) mount(DeskPage, { target });
