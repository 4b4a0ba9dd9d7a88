// Which queues a routing key leads to, by RabbitMQ's rules for topic exchanges: a tree of the
// patterns' words, walked once a key.

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

export const createTopicTable = (): TopicTable => {
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
      // than nodes, so that a key costs words × nodes at worst; a search that tries one reading
      // after another takes ages on `#.#.#.#`.
      let places = new Set<Node>();
      enter(root, places);
      for (const word of wordsOf(routingKey)) {
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
