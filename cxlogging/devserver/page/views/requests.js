import { Component } from "../app/html.js";

export class Requests extends Component {
  render() {
    return null;
  }
}
