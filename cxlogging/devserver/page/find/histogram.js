import { Component } from "../app/html.js";

export class Histogram extends Component {
  render() {
    return null;
  }
}
