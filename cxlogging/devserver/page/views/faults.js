import { Component } from "../app/html.js";

export class Faults extends Component {
  render() {
    return null;
  }
}
