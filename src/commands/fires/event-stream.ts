// The events of an event stream, as far as this server writes them:
// https://html.spec.whatwg.org/multipage/server-sent-events.html

export type StreamEvent = { readonly event: string; readonly id: string | undefined; readonly data: string };

/** Ends when the stream does; throws when it breaks, or the signal aborts. */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, undefined> {
  let rest = '';
  for await (const piece of stream.pipeThrough(new TextDecoderStream(), { signal })) {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map((line) => fieldOf(line)));
      const data = fields.get('data');
      if (data !== undefined) yield { event: fields.get('event') ?? 'message', id: fields.get('id'), data };
    }
  }
}

const fieldOf = (line: string): readonly [string, string] => {
  const at = line.indexOf(':');
  return [line.slice(0, at), line.slice(at + 1).replace(/^ /, '')];
};
