import { Component } from "./html.js";

export class Welcome extends Component {
  render() {
    return null;
  }
}
