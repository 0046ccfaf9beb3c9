import { Component } from "../app/html.js";

export class Facets extends Component {
  render() {
    return null;
  }
}
