import { Component } from "../app/html.js";

export class Volume extends Component {
  render() {
    return null;
  }
}
