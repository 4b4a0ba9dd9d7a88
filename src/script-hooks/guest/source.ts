// The text of the guest's parts, as the engine evaluates it.
//
// The parts are functions of this program whose text is taken: they may use nothing from outside
// themselves, and must keep every built-in that they need before a script can replace it.

import { guestConsole } from './console.ts';
import { guestHost } from './host.ts';
import { guestLate } from './late.ts';
import { guestMessages } from './messages.ts';
import { type GuestSettings, OPS } from './ops.ts';
import { guestRun } from './run.ts';
import { guestLibrary } from './tlon-hooks.ts';
import { guestValues } from './values.ts';

const POSTS_PER_PAGE = 64;

/** An expression whose value takes the host function and gives what guestRun gives. */
export const guestSource = (limits: { readonly effects: number }): string => {
  const settings: GuestSettings = {
    ops: OPS,
    effects: limits.effects,
    postsPerPage: POSTS_PER_PAGE,
    mostPosts: 1024,
    mostNotes: 20,
    deepest: 250,
    longestMessage: 1000,
  };
  return `(function (raw) { "use strict";
const host = (${guestHost})(raw);
const settings = ${JSON.stringify(settings)};
const late = (${guestLate})();
const console = (${guestConsole})((line) => host(settings.ops.print, line));
const values = (${guestValues})(host, settings, console.inspect);
const messages = (${guestMessages})(host, settings);
const library = (${guestLibrary})(host, settings, { console, late, messages, values });
return (${guestRun})(host, settings, { late, library, values });
})`;
};
