// A component that shows what the server computes from its events: loaded when the question changes, and again
// as events arrive.
import { get } from "../app/api.js";
import { Component } from "../app/html.js";

const INTERVAL = 1000;  // milliseconds between two loads of the same question
const SHARE = 4;  // a slow question keeps the server busy for at most a fifth of the time

let line = Promise.resolve();  // one request of these components at a time

export class LiveComponent extends Component {
  // What to load, or null for nothing. A new question is asked at once.
  question(_state) { return null; }

  // Returns the answer to a question.
  load(question, signal) { return get(question, signal); }

  componentDidMount() {
    document.addEventListener("visibilitychange", this.check);
    this.check();
  }

  componentDidUpdate() { this.check(); }

  componentWillUnmount() {
    document.removeEventListener("visibilitychange", this.check);
    clearTimeout(this.timer);
    this.unmounted = true;
    this.request?.abort();
  }

  // The newest answer. It stays until the answer to the next question is there, so that nothing flickers.
  get answer() { return this.question(this.props.state) === null ? null : this.state.answer ?? null; }

  // True where `answer` belongs to the current question.
  get current() { return this.state.answered === this.question(this.props.state); }

  check = () => {
    const { state } = this.props, question = this.question(state);
    clearTimeout(this.timer);
    if (this.request) {
      if (question !== this.asked) this.request.abort();
    } else if (question === null) {
      this.asked = null;
    } else if (!document.hidden && question !== this.asked) {
      this.ask(question);
    } else if (!document.hidden && !state.paused && version(state) !== this.version) {
      this.timer = setTimeout(() => this.ask(question), Math.max(0, this.next - performance.now()));
    }
  };

  ask(question) {
    const { signal } = this.request = new AbortController();
    this.asked = question;
    this.version = version(this.props.state);
    line = line.then(async () => {
      const started = performance.now();
      // A wrong query is reported by the query bar, a lost server by the header; the last answer stays.
      const answer = signal.aborted ? null : await this.load(question, signal).catch(() => null);
      const ended = performance.now();
      this.next = ended + Math.max(INTERVAL, SHARE * (ended - started));
      this.request = null;
      if (this.unmounted) return;
      if (answer && !signal.aborted) this.setState({ answer, answered: question });
      else this.check();
    });
  }
}

// Changes whenever events arrive or are removed, and when the server answers again.
function version(state) {
  return `${state.connection} ${JSON.stringify(state.counts)} ${state.rows.at(-1)?.id}`;
}
