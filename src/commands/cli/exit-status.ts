// How commands end, for scripts. docs/command-line.md shows this table; a test compares them.

export const EXIT_STATUS = {
  done: 0,
  /** The server refused, or something failed. */
  failed: 1,
  /** The command was called wrongly; nothing was sent. */
  usage: 2,
  notFound: 3,
  /** No credentials, wrong ones, or ones that may not do it. */
  notAllowed: 4,
  unreachable: 5,
  /** Whoever read standard output has seen enough: the status that shells give for SIGPIPE. */
  readerGone: 128 + 13,
} as const;
