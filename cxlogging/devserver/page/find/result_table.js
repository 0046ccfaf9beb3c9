import { Component } from "../app/html.js";

export class ResultTable extends Component {
  render() {
    return null;
  }
}
