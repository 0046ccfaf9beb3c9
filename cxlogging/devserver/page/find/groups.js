// Similar messages as one line each, with their counts.
import { clock, number, plural, safe } from "../app/format.js";
import { html } from "../app/html.js";
import { openEvent, set, setFilter } from "../app/store.js";
import { filtered, levelName } from "./filter_text.js";
import { LiveComponent } from "./live.js";

const MASK = /<(?:number|id|text)>|…$/g;  // what the server puts in place of what varies

// The constant parts of a pattern as phrases that must all occur.
function phrases(pattern) {
  const constant = pattern.split(MASK).map((part) => part.replace(/["\\]/g, " ").trim());
  const found = constant.filter((part) => /[\p{L}\p{N}]{2}/u.test(part));
  return found.map((part) => `"${part}"`).join(" ");
}

export class Groups extends LiveComponent {
  question() { return filtered("/api/groups"); }

  // Shows the events of a group, with the filters that apply already; without constant parts, the newest alone.
  show({ pattern, example, logger }) {
    const q = phrases(pattern), others = this.props.state.filter.is.filter(([field]) => field !== "logger");
    if (!q) return openEvent(example);
    set({ grouped: false });
    return setFilter({ q, ...(logger && { is: [...others, ["logger", logger]] }) });
  }

  group(group, most) {
    const { pattern, count, severity, last, example, logger } = group, when = clock(last);
    return html`<li key=${`${logger} ${pattern}`} class=${`group s${severity}`}>
      <button type="button" class="group-row" onClick=${() => this.show(group)} title="Show these events">
        <span class="count"><b>${number(count)}</b>
          <i class="bar" aria-hidden="true" style=${{ width: `${100 * count / most}%` }}></i></span>
        <span class="level">${levelName(severity)}</span>
        <span class="pattern">${this.pattern(pattern)}</span>
        <span class="logger">${safe(logger || "")}</span>
        <time title=${`${when.local} · ${when.utc}`}>${when.time}</time></button>
      <button type="button" class="quiet example" aria-label=${`Newest event of: ${safe(pattern).slice(0, 80)}`}
        onClick=${() => openEvent(example)}>Newest</button>
    </li>`;
  }

  // The masks set off from the text.
  pattern(pattern) {
    const masks = pattern.match(MASK) ?? [];
    return safe(pattern).split(MASK).flatMap((part, n) => n < masks.length ? [part, html`<mark>${masks[n]}</mark>`] : [part]);
  }

  render() {
    if (!this.answer?.groups) return null;
    const { groups, events, cut } = this.answer;
    const most = Math.max(1, ...groups.map(({ count }) => count));
    return html`<section class="groups" aria-label="Similar messages">
      <p class="remark">${plural(groups.length, "group")} in ${cut ? "the newest " : ""}${plural(events, "event")}:
        messages that differ in numbers, ids and quoted parts alone.</p>
      <ul>${groups.map((group) => this.group(group, most))}</ul></section>`;
  }
}
