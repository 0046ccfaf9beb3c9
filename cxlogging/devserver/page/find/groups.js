import { Component } from "../app/html.js";

export class Groups extends Component {
  render() {
    return null;
  }
}
