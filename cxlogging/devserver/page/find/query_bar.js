import { Component } from "../app/html.js";

export class QueryBar extends Component {
  render() {
    return null;
  }
}
