// Tracebacks line by line. Frames of the application stand out; those of libraries can be folded.
import { Component, html } from "../app/html.js";
import { plural, safe } from "../app/format.js";
import { CopyIcon } from "./copy.js";
import { Small, icon } from "./parts.js";

const LINKS = ["The above exception was the direct cause", "During handling of the above exception"];
const FEW = 200; // parts of a traceback that are shown at first

// Neighbouring library frames become one block, which can be folded.
function blocks(parts) {
  const found = [];
  for (const part of parts) {
    const folds = part.kind === "frame" && part.library, last = found.at(-1);
    if (folds && last?.kind === "library") last.frames.push(part);
    else found.push(folds ? { kind: "library", frames: [part] } : part);
  }
  return found;
}

function Frame({ frame }) {
  const at = frame.file.lastIndexOf("/") + 1 || frame.file.lastIndexOf("\\") + 1;
  return html`<li class=${`frame ${frame.library ? "of-library" : "of-application"}`} style=${{ marginLeft: `${(frame.depth ?? 0) * 18}px` }}>
    <div class="place">
      <span class="folder">${safe(frame.file.slice(0, at))}</span><span class="file">${safe(frame.file.slice(at))}</span>
      <span class="line">:${frame.line}</span>
      ${" in "}<span class="function">${safe(frame.function)}</span>
    </div>
    ${frame.code?.length > 0 && html`<pre class="code">${safe(frame.code.join("\n"))}</pre>`}
  </li>`;
}

class LibraryFrames extends Component {
  render({ frames, open }, { toggled }) {
    const isOpen = toggled ?? open;
    const packages = [...new Set(frames.map(({ file }) => packageOf(file)).filter(Boolean))];
    return html`<li class="library">
      <button type="button" class="twist" aria-expanded=${isOpen} onClick=${() => this.setState({ toggled: !isOpen })}>
        ${icon("fold")}${plural(frames.length, "library frame")} <span class="count">${safe(packages.slice(0, 4).join(", "))}</span>
      </button>
      ${isOpen && html`<ol class="frames">${frames.map((frame) => html`<${Frame} frame=${frame} />`)}</ol>`}
    </li>`;
  }
}

// The distribution's folder below site-packages, or the module of the standard library.
function packageOf(file) {
  const found = /(?:site-packages|dist-packages|python3?\.\d+)[\\/]([^\\/]+)/.exec(file);
  return found ? found[1].replace(/\.py$/, "") : "";
}

function kindOfLine(line) {
  if (LINKS.some((one) => line.includes(one))) return "chain";
  if (/^[ |+]*(Exception Group )?(Traceback|Stack) \(most recent call last\)/.test(line)) return "begin";
  return /^[ |]*\+[-+]/.test(line) ? "border" : "outcome";
}

// The text between frames: headings, messages of exceptions, sentences that join two of them.
function Words({ text }) {
  const found = [];
  for (const line of safe(text).split("\n")) {
    const kind = kindOfLine(line), last = found.at(-1);
    if (kind === "outcome" && (last?.kind === kind || !line.trim())) last?.kind === kind && last.lines.push(line);
    else found.push({ kind, lines: [line] });
  }
  return found.map(({ kind, lines }) => html`<li class=${`words ${kind}`}>${lines.join("\n").trimEnd()}</li>`);
}

class Trace extends Component {
  render({ trace, folded, plain }, { all }) {
    if (plain) return html`<pre class="plain" tabindex="0">${safe(trace.text)}</pre>`;
    const found = blocks(trace.parts), few = all ? found : found.slice(0, FEW);
    return html`<ol class="frames trace">
      ${few.map((part) => part.kind === "frame" ? html`<${Frame} frame=${part} />`
        : part.kind === "library" ? html`<${LibraryFrames} frames=${part.frames} open=${!folded} />`
        : html`<${Words} text=${part.text} />`)}
      ${few.length < found.length && html`<li><button type="button" class="more" onClick=${() => this.setState({ all: true })}>
        show ${plural(found.length - few.length, "more line")}</button></li>`}
    </ol>`;
  }
}

function hasFrames(traces, ofLibrary) {
  return traces.some(({ parts }) => parts.some(({ kind, library }) => kind === "frame" && library === ofLibrary));
}

export class Traceback extends Component {
  constructor(props) {
    super(props);
    // A traceback of library frames alone is shown whole.
    this.state = { folded: hasFrames(props.traces, false), plain: false };
  }

  render({ traces }, { folded, plain }) {
    const whole = traces.map(({ text }) => text).join("\n\n");
    return html`<div class="traceback">
      <div class="row-of-buttons">
        ${hasFrames(traces, true) && html`<${Small} pressed=${folded} disabled=${plain}
          onClick=${() => this.setState({ folded: !folded })}>Fold library frames<//>`}
        <${Small} pressed=${plain} onClick=${() => this.setState({ plain: !plain })}>Plain text<//>
        <${CopyIcon} label="Copy the traceback" text=${whole} />
      </div>
      ${traces.map((trace, n) => html`<${Trace} key=${`${n} ${folded}`} trace=${trace} folded=${folded} plain=${plain} />`)}
    </div>`;
  }
}
