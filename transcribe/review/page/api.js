// The server's side of the contract: JSON in, JSON out, and what each refusal means.
import { askPassphrase } from "./unlock.js";
import { sessionOver } from "./over.js";
import { REQUEST, TOKEN, early } from "./ahead.js";

export class Refused extends Error {
  constructor(status, answer) {
    super(`refused with ${status}`);
    this.status = status;
    this.answer = answer;
    this.sentence = answer.error || "The program could not do that.";
  }

  get changed() {
    return this.status === 409 && this.answer.changed === true;
  }
}

async function once(path, options) {
  let response;
  try {
    response = await fetch(path, { ...REQUEST, ...options });
  } catch {
    throw new Refused(0, { error: "The program does not answer. Start `transcribe review` again; what it had saved is kept." });
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

// A dropped key is asked for again and the request repeated, so nothing that was decided meanwhile is lost.
async function ask(path, options) {
  for (;;) {
    try {
      return await once(path, options);
    } catch (error) {
      if (error.status !== 401) throw error;
      if (error.answer.locked) await askPassphrase(unlock);
      else {
        sessionOver();
        error.handled = true;
        throw error;
      }
    }
  }
}

const posting = (body) => ({
  method: "POST",
  headers: { "Content-Type": "application/json", ...TOKEN },
  body: JSON.stringify(body),
});

export const get = async (path) => (await early(path)) || ask(path, {});

export const post = (path, body = {}) => ask(path, posting(body));
const unlock = (passphrase) => once("/api/unlock", posting({ passphrase }));

export const session = () => get("/api/session");

// The key may be put away while nothing else is asked: what shows is veiled then. To look is no work for the server.
export async function look() {
  const { locked } = await ask("/api/session", {});
  if (locked) await askPassphrase(unlock);
}
