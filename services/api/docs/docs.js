// Renders /openapi.json without anything from elsewhere, so that it works on a machine with no internet.
const make = (tag, fields = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), fields);
  node.append(...children);
  return node;
};
const pretty = (value) => JSON.stringify(value, null, 2);

const expected = (schema = {}) => {
  const one = schema.anyOf ? schema.anyOf.find((kind) => kind.type !== "null") : schema;
  const words = [one.enum ? one.enum.join(" | ") : one.type];
  for (const [name, sign] of [["minimum", "≥"], ["maximum", "≤"], ["exclusiveMinimum", ">"], ["exclusiveMaximum", "<"]])
    if (one[name] !== undefined) words.push(`${sign} ${one[name]}`);
  if (schema.default !== undefined && schema.default !== null) words.push(`default ${schema.default}`);
  return words.filter(Boolean).join(", ");
};

const tryIt = (verb, path, inputs) => {
  const shown = make("pre", { hidden: true });
  const button = make("button", { type: "button", textContent: "Send" });
  button.onclick = async () => {
    const query = new URLSearchParams();
    let place = path;
    for (const { parameter, input } of inputs) {
      if (parameter.in === "path") place = place.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value) query.set(parameter.name, input.value);
    }
    const url = query.size ? `${place}?${query}` : place;
    const answer = await fetch(url, { method: verb });
    const text = await answer.text();
    shown.hidden = false;
    shown.textContent = `${verb} ${url}\n${answer.status}\n\n${text.slice(0, 20000)}`;
  };
  return verb === "GET" ? [button, shown] : [];
};

const operation = (verb, path, about) => {
  const inputs = (about.parameters ?? []).map((parameter) => ({ parameter, input: make("input", { ariaLabel: parameter.name }) }));
  const rows = inputs.map(({ parameter, input }) =>
    make("tr", {}, make("td", {}, make("code", { textContent: parameter.name })), make("td", { textContent: expected(parameter.schema) }),
      make("td", { textContent: parameter.description ?? "" }), make("td", {}, input)));
  const example = about.responses?.["200"]?.content?.["application/json"]?.example;
  const inside = make("div", { className: "inside" }, make("p", { textContent: about.description ?? "" }));
  if (rows.length) inside.append(make("table", {}, ...rows));
  inside.append(...tryIt(verb, path, inputs));
  if (example !== undefined) inside.append(make("p", { textContent: "Example" }), make("pre", { textContent: pretty(example) }));
  return make("details", {}, make("summary", {}, make("span", { className: "verb", textContent: verb }),
    make("code", { textContent: path }), make("span", { textContent: about.summary ?? "" })), inside);
};

const spec = await (await fetch("/openapi.json")).json();
document.getElementById("about").textContent = spec.info.description;
const groups = new Map();
for (const [path, verbs] of Object.entries(spec.paths))
  for (const [verb, about] of Object.entries(verbs)) {
    const tag = about.tags?.[0] ?? "other";
    groups.set(tag, [...(groups.get(tag) ?? []), operation(verb.toUpperCase(), path, about)]);
  }
for (const [tag, operations] of groups) document.getElementById("paths").append(make("h2", { textContent: tag }), ...operations);
