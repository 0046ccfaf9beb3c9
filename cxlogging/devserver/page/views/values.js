// JSON values as texts. Integers beyond the precision of a double are raw JSON, where the browser has it.
const isRaw = (value) => Boolean(JSON.isRawJSON?.(value));

export function isTree(value) {
  return value !== null && typeof value === "object" && !isRaw(value);
}

export function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return isRaw(value) ? "number" : typeof value;
}

// The value as a person reads it: a string as it is, everything else as JSON.
export function shown(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

// The fields whose path or value contains the text; null where none does.
export function matching(value, text, path = "") {
  if (path.toLowerCase().includes(text)) return value;
  if (!isTree(value)) return shown(value).toLowerCase().includes(text) ? value : null;
  const kept = Object.entries(value)
    .map(([name, inner]) => [name, matching(inner, text, path ? `${path}.${name}` : name)])
    .filter(([name, inner]) => inner !== null || value[name] === null && name.toLowerCase().includes(text));
  return kept.length ? Object.fromEntries(kept) : null;
}
