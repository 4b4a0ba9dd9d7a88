// JSON that the database can take apart: without NUL and halves of surrogate pairs, which it
// refuses to read.

/** @param json as JSON.stringify writes it */
export const readableJson = (json: string): string =>
  json.includes('\\u') ? json.replace(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '$1\\ufffd') : json;
