// What to paste where, for each kind of sender.
import type { Webhook } from '#client';
import type { HookArguments } from '../hooks/hook-name.ts';

type Field = readonly [label: string, value: string];

export type Paste = {
  /** Where: the way through the menus. */
  readonly place: string;
  readonly fields: readonly Field[];
  /** What is to be done then. */
  readonly after: (hook: HookArguments, name: string) => string;
};

/** Whether the sender makes the secret, once it knows the URL. */
export const isMadeBySender = (scheme: string): boolean => ['slack', 'stripe'].includes(scheme);

const NOT_SHOWN = '(not shown)';

/** Without what was answered once, it says where that was. */
export const pasteInto = ({ scheme, url, secret = NOT_SHOWN, hmac }: Webhook): Paste => {
  const nothing = () => '';
  const [user = '', password = ''] = secret === NOT_SHOWN ? [secret, secret] : secret.split(/:(.*)/s);
  const pastes: Readonly<Record<string, Paste>> = {
    github: {
      place: 'In GitHub: Settings, Webhooks, Add webhook',
      fields: [
        ['Payload URL', url],
        ['Content type', 'application/json'],
        ['Secret', secret],
      ],
      after: nothing,
    },
    gitea: {
      place: 'In Gitea, Forgejo or Gogs: Settings, Webhooks, Add Webhook',
      fields: [
        ['Target URL', url],
        ['POST Content Type', 'application/json'],
        ['Secret', secret],
      ],
      after: nothing,
    },
    gitlab: {
      place: 'In GitLab: Settings, Webhooks, Add new webhook',
      fields: [
        ['URL', url],
        ['Secret token', secret],
      ],
      after: nothing,
    },
    slack: {
      place: 'At api.slack.com/apps, in your app: Slash Commands, Event Subscriptions or Interactivity',
      fields: [['Request URL', url]],
      after: (hook, name) => giveSecret('the Signing Secret of Basic Information', hook, name),
    },
    stripe: {
      place: 'In Stripe: Workbench, Webhooks, Add destination',
      fields: [['Endpoint URL', url]],
      after: (hook, name) => giveSecret('the signing secret that Stripe shows then', hook, name),
    },
    standard: {
      place: 'In the sender, where it asks for an endpoint',
      fields: [
        ['URL', url],
        ['Signing secret', secret],
      ],
      after: (hook, name) => giveSecret('the secret of the sender, if it makes its own', hook, name),
    },
    hmac: {
      place: 'In the sender',
      fields: [
        ['URL', url],
        ['Secret', secret],
        ['Signature', `HMAC-${(hmac?.algorithm ?? 'sha256').toUpperCase()} in ${hmac?.header}`],
      ],
      after: nothing,
    },
    bearer: {
      place: 'In the sender',
      fields: [
        ['URL', url],
        ['Bearer token', secret],
      ],
      after: nothing,
    },
    basic: {
      place: 'In the sender',
      fields: [
        ['URL', url],
        ['User', user],
        ['Password', password],
      ],
      after: nothing,
    },
  };
  return (
    pastes[scheme] ?? {
      place: 'In the sender, and nowhere else, since whoever knows the URL can send',
      fields: [['URL', url]],
      after: nothing,
    }
  );
};

const giveSecret = (what: string, hook: HookArguments, name: string): string =>
  `Then give it ${what}:\n  hookwright webhooks rotate ${hook.join('/')} ${name} --drop-old --secret-file -\n`;
