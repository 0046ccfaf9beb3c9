import { Component } from "../app/html.js";

export class Empty extends Component {
  render() {
    return null;
  }
}
