import { Component } from "../app/html.js";

export class Drawer extends Component {
  render() {
    return null;
  }
}
