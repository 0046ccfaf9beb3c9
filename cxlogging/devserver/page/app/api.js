// Requests to the local server.

let token = null;

// Why a request failed: `status` (0 where there was no answer) and `answer`, its JSON object.
export class ApiError extends Error {
  constructor(status, answer) {
    super(answer.error || (status ? `the server answers ${status}` : "the server does not answer"));
    this.status = status;
    this.answer = answer;
  }
}

// Integers beyond the precision of a double stay as they were written, where the browser supports it.
function exact(key, value, context) {
  const inexact = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return inexact && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}

// The reviver costs several times the parsing, so it runs only where there may be such an integer.
export function parse(text) {
  return JSON.parse(text, /[[:,]\s*-?\d{16}/.test(text) ? exact : undefined);
}

async function ask(path, options) {
  let answer, text;
  try {
    answer = await fetch(path, options);
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, {});
  }
  let value;
  try {
    value = parse(text);
  } catch {
    value = {};
  }
  if (!answer.ok) throw new ApiError(answer.status, value);
  return value;
}

// The JSON object at `path`; an ApiError where there is none. `signal` ends the request.
export function get(path, signal) {
  return ask(path, { signal });
}

// Sends `body` (a JSON object, or a Blob of JSON lines, compressed or not) and returns the answer.
export async function post(path, body = {}) {
  const lines = body instanceof Blob, sent = lines ? body : JSON.stringify(body);
  const type = lines ? "application/x-ndjson" : "application/json";
  const send = () => ask(path, { method: "POST", body: sent, headers: { "Content-Type": type, "X-Cxlogging-Token": token } });
  const known = token !== null;
  if (!known) token = (await get("/api/token")).token;
  try {
    return await send();
  } catch (error) {
    // A server that was started again has another token.
    if (error.status !== 403 || !known) throw error;
    token = (await get("/api/token")).token;
    return send();
  }
}
