import { Component } from "./html.js";

export class HelpDialog extends Component {
  render() {
    return null;
  }
}
