// Users who post, reply and react while the server dies under them, and what each was told.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiCallError } from '../../../client/index.ts';
import { createRandom, type Random } from '../random.ts';
import type { Victim } from '../victim.ts';
import { clientsOf, FES, NEC, NESTS } from './hooks.ts';

export type Kind = 'post' | 'reply' | 'react';

/** `unknown`: the answer never came, or the server did not know itself. */
export type Said = {
  readonly kind: Kind;
  readonly nest: string;
  readonly by: string;
  /** Of a post or a reply: its text. */
  readonly mark: string;
  /** Of a reply or a reaction: the post, in digits. */
  readonly on?: string;
  readonly react?: string;
  outcome: 'unknown' | 'done' | 'denied' | 'refused';
  /** In digits. */
  id?: string | undefined;
  reason?: string;
};

export type Users = {
  readonly said: readonly Said[];
  readonly answered: () => number;
  readonly finish: () => Promise<void>;
};

const ENDS = ['', '', '', 'e', 'w', 'd'];

export const startUsers = (victim: Victim, count: number, seed: number): Users => {
  const said: Said[] = [];
  let isOver = false;
  let answered = 0;

  const actionOf = ({ kind, nest, by, mark, on, react }: Said) => {
    const memo = { content: [{ inline: [mark] }], author: by, sent: Date.now() };
    const post =
      kind === 'post'
        ? { add: { ...memo, 'kind-data': { chat: null } } }
        : kind === 'reply'
          ? { reply: { id: on, action: { add: memo } } }
          : { 'add-react': { id: on, ship: by, react } };
    return { channels: { channel: { nest, action: { post } } } };
  };

  const say = async (one: Said): Promise<void> => {
    said.push(one);
    try {
      // biome-ignore lint/suspicious/noExplicitAny: the types of actions are generated as one large union.
      const { id } = await clientsOf(victim.credentials()).community.act(one.by, actionOf(one) as any);
      one.outcome = 'done';
      one.id = id;
    } catch (error) {
      if (!(error instanceof ApiCallError) || error.statusCode === undefined || error.statusCode >= 500) return;
      one.outcome = error.code === 'ActionDenied' ? 'denied' : 'refused';
      one.reason = error.message.split('\n')[0] ?? '';
    } finally {
      if (one.outcome !== 'unknown') answered += 1;
    }
  };

  const next = (user: number, number: number, random: Random, posts: readonly Said[]): Said => {
    const by = user % 2 === 0 ? NEC : FES;
    const nest = NESTS[random.between(0, 1)] as string;
    const mark = `m${user}x${number}${ENDS[random.between(0, ENDS.length - 1)]}`;
    const own = posts.filter(({ kind, id }) => kind === 'post' && id !== undefined).at(-1);
    const kind = own === undefined ? 'post' : (['post', 'post', 'reply', 'react'] as const)[random.between(0, 3)];
    if (kind === 'post' || own === undefined) return { kind: 'post', nest, by, mark, outcome: 'unknown' };
    const on = { nest: own.nest, by, on: own.id as string, outcome: 'unknown' } as const;
    return kind === 'reply' ? { kind: 'reply', mark, ...on } : { kind: 'react', mark: '', react: `:${number}:`, ...on };
  };

  const runUser = async (user: number): Promise<void> => {
    const random = createRandom(seed + 1 + user);
    const own: Said[] = [];
    for (let number = 0; !isOver; number += 1) {
      while (victim.address() === undefined && !isOver) await sleep(5);
      if (isOver) return;
      const one = next(user, number, random, own);
      own.push(one);
      await say(one);
      if (one.outcome === 'unknown') await sleep(random.between(5, 50));
    }
  };

  const running = Promise.all(Array.from({ length: count }, (_, user) => runUser(user)));
  running.catch(() => {});
  return {
    said,
    answered: () => answered,
    finish: async () => {
      isOver = true;
      await running;
    },
  };
};
