// Finds the end of an HTTP/1.1 answer in the bytes that have come, and its body. For the load only.

export type Answer = {
  readonly status: number;
  readonly body: string;
  /** How many characters the answer took; what follows belongs to the next one. */
  readonly length: number;
  readonly closesConnection: boolean;
};

/**
 * The first answer in `text` (bytes read as latin1), or undefined while it is not complete.
 * `isAtEnd` says that the connection has ended, which completes an answer that has no length.
 * Throws when it is not HTTP.
 */
export const readAnswer = (text: string, isAtEnd = false): Answer | undefined => {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  // With the line end of the last header, so that every header stands between two.
  const head = text.slice(0, headEnd + 2);
  const status = Number(/^HTTP\/1\.[01] (\d{3})[ \r]/.exec(head)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) throw new Error(`not an HTTP answer: ${text.slice(0, 80)}`);
  const bodyStart = headEnd + 4;
  if (status < 200) {
    const next = readAnswer(text.slice(bodyStart), isAtEnd);
    return next && { ...next, length: bodyStart + next.length };
  }
  const closesConnection = /\r\nconnection:[ \t]*close[ \t]*\r\n/i.test(head) || head.startsWith('HTTP/1.0');
  if (status === 204 || status === 304) return { status, body: '', length: bodyStart, closesConnection };
  if (/\r\ntransfer-encoding:[^\r]*\bchunked[ \t]*\r\n/i.test(head)) {
    const chunks = readChunks(text, bodyStart);
    return chunks && { status, body: chunks.body, length: chunks.end, closesConnection };
  }
  const declared = /\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n/i.exec(head)?.[1];
  if (declared === undefined) {
    return isAtEnd ? { status, body: text.slice(bodyStart), length: text.length, closesConnection: true } : undefined;
  }
  const length = bodyStart + Number(declared);
  return text.length < length ? undefined : { status, body: text.slice(bodyStart, length), length, closesConnection };
};

const readChunks = (text: string, start: number): { body: string; end: number } | undefined => {
  let body = '';
  for (let at = start; ; ) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error(`not the size of a chunk: ${text.slice(at, lineEnd).slice(0, 80)}`);
    const chunkStart = lineEnd + 2;
    if (size === 0) {
      // Trailers, if any, end with an empty line.
      if (text.startsWith('\r\n', chunkStart)) return { body, end: chunkStart + 2 };
      const trailersEnd = text.indexOf('\r\n\r\n', chunkStart);
      return trailersEnd === -1 ? undefined : { body, end: trailersEnd + 4 };
    }
    if (text.length < chunkStart + size + 2) return undefined;
    body += text.slice(chunkStart, chunkStart + size);
    at = chunkStart + size + 2;
  }
};
