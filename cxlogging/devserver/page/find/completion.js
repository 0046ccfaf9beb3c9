// Completion of DataPrime queries: commands, keypaths of the stored data, functions and values.
const SHOWN = 8;
const FUNCTIONS = 3;  // so many have a place beside keypaths
const SEVERITY = "$m.severity";
const METADATA = [
  { path: SEVERITY, count: Infinity, types: ["severity"], examples: [] },
  { path: "$m.timestamp", count: Infinity, types: ["time"], examples: [] },
];
const SEVERITIES = ["DEBUG", "VERBOSE", "INFO", "WARNING", "ERROR", "CRITICAL"];
const QUOTED = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`/g;
const VALUE = /(\$[dml](?:\.[\w.-]+|\["[^"]*"\])+)\s*(?:==|!=|>=|<=|>|<)\s*('?[^'\s|&()]*)$/;
const COMMAND = /(?:^|(?<!\|)\|)\s*([a-zA-Z]*)$/;
const AGGREGATION = /\baggregate\s[^|]*$/;
const WORD = /\$?[\w.$-]*$/;
const MARK = /\||\$[dlm]\b|==|!=|<=|>=|&&|~~|\s[<>~]\s|[\w)\]]\s*[<>~]\s*[\d'"$/]/;

// Whether a text that is being typed will be read as DataPrime, as opposed to words. The server decides.
export function isDataprime(text, { commands: all }) {
  const first = text.match(/^\s*([a-z]+)(?=\s|\||$)/)?.[1];
  return first === "source" || all.some(({ name }) => name === first) || MARK.test(text.replace(QUOTED, '""'));
}

// Returns {start, items}: what may replace the text from start to the caret. Items are {text, kind, help, insert}; in
// insert, "‸" stands for the place of the caret. Words are completed only where that is forced.
export function complete(text, caret, { fields, language }, forced) {
  const before = text.slice(0, caret), value = before.match(VALUE);
  if (value) return { start: caret - value[2].length, items: values(value[1], value[2], fields) };
  if (/['"`]/.test(before.replace(QUOTED, ""))) return { start: caret, items: [] };
  const command = before.match(COMMAND);
  if (!command && !forced && !isDataprime(text, language)) return { start: caret, items: [] };
  const word = command ? command[1] : before.match(WORD)[0];
  if (!word && !forced && !(command ? text.trim() : expectsField(before, language))) return { start: caret, items: [] };
  // A query may begin with a condition.
  const paths = !command || (word && !text.includes("|")) ? keypaths(word, fields) : [];
  const calls = command ? [] : functions(word, language);
  const found = command ? [...commands(word, language), ...paths]
    : AGGREGATION.test(before) ? [...calls, ...paths] : [...paths.slice(0, SHOWN - Math.min(calls.length, FUNCTIONS)), ...calls];
  const items = found.filter(({ insert }) => insert.replace("‸", "").trim() !== word).slice(0, SHOWN);
  return { start: caret - word.length, items };
}

// Whether a keypath comes next, as after a command, an operator or a parenthesis.
function expectsField(before, { commands: all }) {
  const last = before.match(/(\w+)\s+$/)?.[1];
  return last ? last === "by" || all.some(({ name }) => name === last) : /(?:&&|\|\||[(,!])\s*$/.test(before);
}

function commands(word, { commands: all }) {
  return all.filter(({ name }) => name.startsWith(word.toLowerCase()))
    .map(({ name, help }) => ({ text: name, kind: "command", help, insert: `${name} ` }));
}

function functions(word, { functions: all }) {
  if (!word) return [];
  return all.filter(({ name }) => name.toLowerCase().startsWith(word.toLowerCase()))
    .map(({ name, signature, help }) => ({ text: name, kind: "function", help: signature || help, insert: `${name}(‸)` }));
}

// Keypaths that begin with the word come first, then those of which a part begins with it, then the others.
function keypaths(word, fields) {
  const wanted = word.toLowerCase();
  const rank = ({ path }) => {
    const lower = path.toLowerCase();
    if (lower.startsWith(wanted)) return 0;
    if (lower.replace(/^\$[dml]\.?/, "").startsWith(wanted)) return 1;
    return lower.split(/[.['\]]+/).some((part) => part.startsWith(wanted)) ? 2 : lower.includes(wanted) ? 3 : 4;
  };
  return [...METADATA, ...fields].map((field) => [rank(field), field]).filter(([order]) => order < 4)
    .sort(([a, one], [b, other]) => a - b || other.count - one.count)
    .map(([, { path, types, examples }]) => ({
      text: path, kind: types.join(", ") || "field", help: examples.length ? `such as ${literal(examples[0])}` : "",
      insert: `${path} `,
    }));
}

function values(path, typed, fields) {
  const known = path === SEVERITY ? SEVERITIES
    : (fields.find((field) => field.path === path)?.examples ?? []).map(literal);
  const wanted = typed.toLowerCase().replace(/^'/, "");
  return known.filter((text) => text.toLowerCase().replace(/^'/, "").startsWith(wanted) && text !== typed)
    .slice(0, SHOWN).map((text) => ({ text, kind: "value", help: "", insert: `${text} ` }));
}

// A value as DataPrime writes it.
export function literal(value) {
  if (typeof value !== "string") return JSON.stringify(value);
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`;
}
