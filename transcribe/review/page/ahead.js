// What the first view needs, asked for while the page's other files are on their way. What fails is asked again, and told.
export const TOKEN = { "X-Review-Token": localStorage.getItem("token") || "" };
export const REQUEST = { credentials: "omit", cache: "no-store", redirect: "error", headers: TOKEN };

const INTERVIEW = /^#\/(?!(?:people|search)$)([^/]+)(?:\/(?!(?:preview|agreement)$)[^/]+)?$/;
const coming = new Map();
const whole = (response) => (response.ok ? response.json() : null);

function ahead(path) {
  coming.set(path, fetch(path, { ...REQUEST, priority: "high" }).then(whole).catch(() => null));
}

// The answer, or null where it was not asked for or did not come; only once.
export async function early(path) {
  const answer = await coming.get(path);
  coming.delete(path);
  return answer || null;
}

ahead("/api/session");
const [, id] = INTERVIEW.exec(location.hash) || [];
if (id) ahead(`/api/recordings/${id}`);
