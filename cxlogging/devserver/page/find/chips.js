import { Component } from "../app/html.js";

export class Chips extends Component {
  render() {
    return null;
  }
}
