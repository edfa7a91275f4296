// The deployment's settings over HTTP: read with their version, written under it.

const JSON_TYPE = { "Content-Type": "application/json" };

async function ask(path, options) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, ...options }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  return { ok: !!answer?.ok && told != null, status: answer?.status ?? 0, told, error: told?.error ?? null };
}

export const readJson = (path) => ask(path);

/** Refused with 409 where somebody else wrote since `version` was read. */
export const writeConfig = (changes, version) => ask("/api/config", { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ ...changes, version }) });
