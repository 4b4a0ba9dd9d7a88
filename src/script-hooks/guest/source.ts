// The text of the guest's parts, as the engine evaluates it.
//
// The parts are functions of this program whose text is taken: they may use nothing from outside
// themselves, and must keep every built-in that they need before a script can replace it.

import { guestHost } from './host.ts';
import { type GuestSettings, OPS } from './ops.ts';
import { guestRun } from './run.ts';
import { guestLibrary } from './tlon-hooks.ts';
import { guestValues } from './values.ts';

export const POSTS_PER_PAGE = 64;

/** An expression whose value takes the host function and gives what guestRun gives. */
export const guestSource = (limits: { readonly effects: number }): string => {
  const settings: GuestSettings = {
    ops: OPS,
    effects: limits.effects,
    postsPerPage: POSTS_PER_PAGE,
    deepest: 250,
    longestMessage: 1000,
  };
  return `(function (raw) { "use strict";
const host = (${guestHost})(raw);
const settings = ${JSON.stringify(settings)};
const values = (${guestValues})(host, settings);
const library = (${guestLibrary})(host, settings, values);
return (${guestRun})(host, settings, values, library);
})`;
};
