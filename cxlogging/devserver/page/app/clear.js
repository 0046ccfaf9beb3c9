import { Component } from "./html.js";

export class ClearDialog extends Component {
  render() {
    return null;
  }
}
