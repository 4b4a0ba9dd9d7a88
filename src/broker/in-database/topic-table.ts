// Which queues a routing key leads to, by RabbitMQ's rules for topic exchanges: a tree of the
// patterns' words, walked once a key; or pattern by pattern, where the tree takes longer.

/** The bindings of one exchange. */
export type TopicTable = {
  readonly add: (pattern: string, queue: string) => void;
  readonly remove: (pattern: string, queue: string) => void;
  /** Adds the queues that the key leads to. */
  readonly match: (routingKey: string, into: Set<string>) => void;
  readonly isEmpty: () => boolean;
};

type Node = {
  readonly words: Map<string, Node>;
  /** After `*`. */
  any: Node | undefined;
  /** After `#`. */
  many: Node | undefined;
  /** This node stands after a `#`, so that any further word leads to it again. */
  readonly isMany: boolean;
  /** Of the patterns that end here. */
  readonly queues: Set<string>;
};

/**
 * As RabbitMQ splits: the empty key has no words, `.` has two empty ones, and an empty word is a
 * word for `*`.
 */
const wordsOf = (key: string): readonly string[] => (key === '' ? [] : key.split('.'));

const createNode = (isMany = false): Node => ({
  words: new Map(),
  any: undefined,
  many: undefined,
  isMany,
  queues: new Set(),
});

/** In places, of some 0.3 µs each. 250 patterns such as `#.a.#.*.#…` stand at millions. */
const MOST_STEPS = 20_000;

export const createTopicTable = (mostSteps = MOST_STEPS): TopicTable => {
  const root = createNode();

  return {
    add: (pattern, queue) => {
      let node = root;
      for (const word of wordsOf(pattern)) node = childOf(node, word) ?? addChild(node, word);
      node.queues.add(queue);
    },
    remove: (pattern, queue) => {
      const path: { readonly parent: Node; readonly word: string }[] = [];
      let node = root;
      for (const word of wordsOf(pattern)) {
        const child = childOf(node, word);
        if (!child) return;
        path.push({ parent: node, word });
        node = child;
      }
      node.queues.delete(queue);
      for (const { parent, word } of path.reverse()) {
        const child = childOf(parent, word);
        if (child && isBare(child)) removeChild(parent, word);
      }
    },
    match: (routingKey, into) => {
      // All places at once where a reading of the words so far can stand. There are no more of them
      // than nodes; a search that tries one reading after another takes ages on `#.#.#.#`.
      let places = new Set<Node>();
      enter(root, places);
      const words = wordsOf(routingKey);
      let left = mostSteps;
      for (const word of words) {
        left -= places.size;
        if (left < 0) return matchEach(root, [], words, into);
        const next = new Set<Node>();
        for (const node of places) {
          if (node.isMany) next.add(node);
          enter(node.words.get(word), next);
          enter(node.any, next);
        }
        places = next;
      }
      for (const { queues } of places) for (const queue of queues) into.add(queue);
    },
    isEmpty: () => isBare(root),
  };
};

/** By this pattern alone. */
export const leadsTo = (pattern: string, routingKey: string): boolean => fits(wordsOf(pattern), wordsOf(routingKey));

/** One pattern after the other. `path`: the words that lead to the node. */
const matchEach = (node: Node, path: string[], key: readonly string[], into: Set<string>): void => {
  if (node.queues.size > 0 && fits(path, key)) for (const queue of node.queues) into.add(queue);
  const goTo = (word: string, child: Node | undefined) => {
    if (!child) return;
    path.push(word);
    matchEach(child, path, key, into);
    path.pop();
  };
  for (const [word, child] of node.words) goTo(word, child);
  goTo('*', node.any);
  goTo('#', node.many);
};

/** The first place after each `#` will do: what is behind it has no less to choose from. */
const fits = (pattern: readonly string[], key: readonly string[]): boolean => {
  let at = 0;
  let afterMany = -1;
  let tried = 0;
  for (let word = 0; word < key.length; ) {
    const wanted = pattern[at];
    if (wanted === '#') {
      at += 1;
      afterMany = at;
      tried = word;
    } else if (wanted === '*' || wanted === key[word]) {
      at += 1;
      word += 1;
    } else {
      if (afterMany === -1) return false;
      at = afterMany;
      tried += 1;
      word = tried;
    }
  }
  while (pattern[at] === '#') at += 1;
  return at === pattern.length;
};

/** Stands at the node, and as `#` may be no word at all, also behind the `#` that follows. */
const enter = (node: Node | undefined, places: Set<Node>): void => {
  for (let at = node; at && !places.has(at); at = at.many) places.add(at);
};

const childOf = (node: Node, word: string): Node | undefined =>
  word === '*' ? node.any : word === '#' ? node.many : node.words.get(word);

const addChild = (node: Node, word: string): Node => {
  const child = createNode(word === '#');
  if (word === '*') node.any = child;
  else if (word === '#') node.many = child;
  else node.words.set(word, child);
  return child;
};

const removeChild = (node: Node, word: string): void => {
  if (word === '*') node.any = undefined;
  else if (word === '#') node.many = undefined;
  else node.words.delete(word);
};

const isBare = ({ words, any, many, queues }: Node): boolean => queues.size === 0 && words.size === 0 && !any && !many;
