// `hookwright completion`: scripts for bash, zsh and fish, made from the table of commands.
import { OperatorError } from '../../core/errors.ts';
import type { CommandEntry, Option, Run } from './command.ts';

export const completion: Run = async (call) => {
  const shell = call.argument('SHELL');
  const write = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (write === undefined) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: `There is no completion for "${shell}"`,
      cure: `Known are: ${Object.keys(SHELLS).join(', ')}`,
    });
  }
  call.output.line(write(await branchesOf(call.commands)).trimEnd());
  return 0;
};

/** What may follow some words. */
type Branch = {
  /** `` for the first word, then `hooks`, then `hooks create`. */
  readonly words: string;
  readonly next: readonly { readonly word: string; readonly help: string }[];
  readonly options: readonly Option[];
  readonly takesFiles: boolean;
};

const branchesOf = async (entries: readonly CommandEntry[]): Promise<readonly Branch[]> => {
  const nouns = [...new Set(entries.map(({ words }) => words[0] ?? ''))];
  const firsts = nouns.map((word) => {
    const of = entries.filter(({ words }) => words[0] === word);
    const [only] = of;
    const help =
      of.length === 1 && only?.words.length === 1 ? only.summary : of.map(({ words }) => words[1]).join(', ');
    return { word, help };
  });
  const groups = nouns.flatMap((noun) => {
    const next = entries.flatMap(({ words, summary }) =>
      words[0] === noun && words[1] !== undefined ? [{ word: words[1], help: summary }] : [],
    );
    return next.length === 0 ? [] : [{ words: noun, next, options: [], takesFiles: false }];
  });
  const leaves = await Promise.all(entries.map(branchOf));
  const first = [...firsts, { word: 'help', help: 'Tell more about a command' }];
  const help = { words: 'help', next: firsts, options: [], takesFiles: false };
  return [{ words: '', next: first, options: [], takesFiles: false }, help, ...groups, ...leaves];
};

const branchOf = async (entry: CommandEntry): Promise<Branch> => {
  const words = entry.words.join(' ');
  if (entry.kind === 'own')
    return {
      words,
      next: [],
      options: await entry.options(),
      takesFiles: words === 'simulate' || words === 'scripts check',
    };
  const shells = entry.args.some(({ name }) => name === 'SHELL') ? Object.keys(SHELLS) : [];
  return {
    words,
    next: shells.map((word) => ({ word, help: '' })),
    options: entry.options,
    takesFiles: entry.args.some(({ isFile }) => isFile === true),
  };
};

const flagsOf = ({ options }: Branch): string[] => options.map(({ name }) => `--${name}`);
const fileFlags = (branches: readonly Branch[]): string[] => [
  ...new Set(branches.flatMap(({ options }) => options.flatMap(({ name, isFile }) => (isFile ? [`--${name}`] : [])))),
];
const valueFlags = (branches: readonly Branch[]): string[] => [
  ...new Set(branches.flatMap(({ options }) => options.flatMap(({ name, value }) => (value ? [`--${name}`] : [])))),
];

/** Summaries have no quotes of the shells in them but this one. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The longest words for which there is a branch are those of the command: `hooks create`, not
 * `hooks`.
 */
const bashScript = (branches: readonly Branch[]): string => {
  const cases = branches.map(
    (branch) =>
      `    ${quoted(branch.words)}) next=${quoted(branch.next.map(({ word }) => word).join(' '))}; flags=${quoted(flagsOf(branch).join(' '))}; files=${branch.takesFiles ? 1 : ''} ;;`,
  );
  return `# hookwright, completed by bash. In ~/.bashrc: source <(hookwright completion bash)
_hookwright_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen -f -- "$current"))
}
_hookwright() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local path='' next='' flags='' files='' word
  COMPREPLY=()
  case "$before" in
    ${fileFlags(branches).join('|')}) _hookwright_files; return ;;
    ${valueFlags(branches).join('|')}) return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${branches
        .filter(({ words }) => words !== '')
        .map(({ words }) => quoted(words))
        .join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$next" -- "$current"))
    if [[ -n $files ]]; then _hookwright_files; fi
  fi
}
complete -F _hookwright hookwright
`;
};

const zshScript = (branches: readonly Branch[]): string => {
  /** A colon divides a word from what it means. */
  const described = (word: string, help: string) => quoted(`${word.replaceAll(':', '\\:')}:${help}`);
  const cases = branches.map((branch) => {
    const next = branch.next.map(({ word, help }) => described(word, help)).join(' ');
    const flags = branch.options.map(({ name, help }) => described(`--${name}`, help)).join(' ');
    return `    ${quoted(branch.words)}) next=(${next}); flags=(${flags}); files=${branch.takesFiles ? 1 : "''"} ;;`;
  });
  return `#compdef hookwright
# hookwright, completed by zsh. In ~/.zshrc, after compinit: source <(hookwright completion zsh)
_hookwright() {
  local current=\${words[CURRENT]} before=\${words[CURRENT-1]} trail='' files='' word
  local -a next flags
  case "$before" in
    ${fileFlags(branches).join('|')}) _files; return ;;
    ${valueFlags(branches).join('|')}) return ;;
  esac
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${trail:+$trail }$word" in
      ${branches
        .filter(({ words }) => words !== '')
        .map(({ words }) => quoted(words))
        .join('|')}) trail="\${trail:+$trail }$word" ;;
    esac
  done
  case "$trail" in
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then
    _describe option flags
  else
    (( $#next )) && _describe command next
    [[ -n $files ]] && _files
  fi
}
compdef _hookwright hookwright
`;
};

const fishScript = (branches: readonly Branch[]): string => {
  const escaped = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = branches.flatMap((branch) => {
    const condition = `-n ${escaped(`test (__hookwright_path) = '${branch.words}'`)}`;
    return [
      ...branch.next.map(
        ({ word, help }) => `complete -c hookwright ${condition} -a ${escaped(word)} -d ${escaped(help)}`,
      ),
      ...branch.options.map(
        ({ name, help, value, isFile }) =>
          `complete -c hookwright ${condition} -l ${name}${value ? (isFile ? ' -rF' : ' -x') : ''} -d ${escaped(help)}`,
      ),
      ...(branch.takesFiles ? [`complete -c hookwright ${condition} -F`] : []),
    ];
  });
  const known = branches.filter(({ words }) => words !== '').map(({ words }) => escaped(words));
  return `# hookwright, completed by fish: hookwright completion fish > ~/.config/fish/completions/hookwright.fish
function __hookwright_path
  set -l path ''
  for word in (commandline -opc)[2..-1]
    set -l longer (string trim -- "$path $word")
    contains -- $longer ${known.join(' ')}; and set path $longer
  end
  echo "$path"
end
complete -c hookwright -f
${lines.join('\n')}
`;
};

const SHELLS: Readonly<Record<string, (branches: readonly Branch[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};
