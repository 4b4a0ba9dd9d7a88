// `@tloncorp/api` as one ship, in a process of its own: does what its parent asks (support.ts).

const [, , shipUrl = '', ship = '', code = ''] = process.argv;

type Asked = { readonly id: number; readonly name: string; readonly args: unknown[]; readonly listens: boolean };

// Named by a variable: the types of the package are not for this compiler.
const packageName: string = '@tloncorp/api';
// biome-ignore lint/suspicious/noExplicitAny: as above.
const api: any = await import(packageName);
const tell = (message: unknown) => process.send?.(message);

const answer = async ({ id, name, args, listens }: Asked) => {
  try {
    const more = listens ? [(event: unknown) => tell({ id, event })] : [];
    const result = await api[name](...args, ...more);
    // Its subscriptions do not wait for their acks. What a channel is asked is done in order.
    if (listens) await api.poke({ app: 'hood', mark: 'helm-hi', json: 'all asked before is done' });
    tell({ id, result });
  } catch (error) {
    tell({ id, error: error instanceof Error ? `${error.name}: ${error.message}` : JSON.stringify(error) });
  }
};

await api.configureClient({ shipName: ship, shipUrl, getCode: async () => code });
process.on('message', (asked: Asked) => void answer(asked));
process.on('disconnect', () => process.exit());
tell({ ready: true });
