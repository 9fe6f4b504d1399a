// A semantic cache: answers are found again by what was meant, not by how it was worded. Questions are elements of a
// vector set; answers are keys that expire. A question whose answer expired is forgotten when it is next met.
// The embedding here only counts words, so that the example needs no model: put your own in its place.
// Run: node examples/semantic-cache.mjs

import { open } from "nearkey";

const DIM = 256;
const TTL_MS = 200;
/** Cosine distance up to which two questions count as the same. */
const NEAR = 0.35;

const db = await open({ maxMemory: "256mb" });
const questions = db.vectors("questions", { dim: DIM, metric: "cosine" });

/** The text of a question as a vector: each word adds to one of DIM places. */
function embed(text) {
  const vector = new Float32Array(DIM);
  for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
    let place = 0;
    for (const letter of word.replace(/s$/, "")) place = (place * 31 + letter.charCodeAt(0)) % DIM;
    vector[place] += word.length > 3 ? 1 : 0.2;
  }
  return vector;
}

/** Stands for the slow, dear call that the cache saves. */
function askModel(question, language) {
  return `(${language}) what a model would say to: ${question}`;
}

/** Answers from the cache when a question that means the same was asked in that language and still lives. */
function answer(question, language) {
  const vector = embed(question);
  const filter = `.language == "${language}"`;
  for (const { id, distance } of questions.search(vector, { k: 3, filter })) {
    if (distance > NEAR) break;
    const cached = db.get(`answer:${id}`);
    if (cached !== undefined) return { from: "cache", text: cached };
    questions.delete(id);
  }
  const id = String(db.increment("questions:next"));
  const text = askModel(question, language);
  questions.set(id, vector, { language });
  db.set(`answer:${id}`, text, { ttlMs: TTL_MS });
  return { from: "model", text };
}

const show = (question, language = "en") => {
  console.log(`${answer(question, language).from.padEnd(5)} | ${question} (${language})`);
};

show("How do I reset my password?");
show("how can I reset the password");
show("How do I reset my password?", "de");
show("Where is my invoice?");
await new Promise((resolve) => setTimeout(resolve, TTL_MS + 50));
show("How do I reset my password?");
console.log("questions kept:", questions.size);

await db.close();
