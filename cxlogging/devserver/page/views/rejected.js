import { Component } from "../app/html.js";

export class Rejected extends Component {
  render() {
    return null;
  }
}
