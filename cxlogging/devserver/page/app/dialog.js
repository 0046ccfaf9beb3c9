// A modal dialog: the browser keeps the focus inside and gives it back afterwards.
import { Component, createRef, html } from "./html.js";

let number = 0;

export class Dialog extends Component {
  element = createRef();
  id = `dialog-${++number}`;

  componentDidMount() {
    this.element.current.showModal();
  }

  componentWillUnmount() {
    this.element.current.close();
  }

  // A click beside the dialog hits the element itself: its content fills it.
  onClick = (event) => {
    if (event.target === this.element.current) this.props.onClose();
  };

  onCancel = (event) => {
    event.preventDefault();
    this.props.onClose();
  };

  render({ title, name, onClose, children }) {
    return html`
      <dialog ref=${this.element} class=${name} aria-labelledby=${this.id} onCancel=${this.onCancel} onClick=${this.onClick}>
        <div class="inner">
          <div class="top"><h2 id=${this.id}>${title}</h2>
            <button type="button" class="quiet" aria-label="Close" onClick=${onClose}>×</button></div>
          ${children}
        </div>
      </dialog>`;
  }
}
