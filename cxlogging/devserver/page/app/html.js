// The libraries of the page, by the names that its modules use.
import htm from "../lib/htm.module.js";
import { Component, createRef, h, render } from "../lib/preact.mjs";

export const html = htm.bind(h);
export { Component, createRef, h, render };
