// One mail address, alone or with a name. What does not fit is refused, so that no address carries
// a second one or a header.

export type Mailbox = { readonly name: string; readonly address: string };

/** RFC 5321 (4.5.3.1.3): a path has 256 octets, two of which are its brackets. */
const LONGEST_ADDRESS_BYTES = 254;
/**
 * No quoted local part and no address literal: hardly anybody has one, and each is a way to
 * smuggle. \p{C}: control and format characters.
 */
const ADDRESS = /^[^\s\p{C}@<>()[\]\\,;:"]+@[^\s\p{C}@<>()[\]\\,;:"]+$/u;
const NAMED = /^([^\p{C}<>"]*|"[^\p{C}<>"]*")\s*<([^<>]*)>$/u;

export const isAddress = (text: string): boolean =>
  ADDRESS.test(text) && Buffer.byteLength(text) <= LONGEST_ADDRESS_BYTES;

/** Reads `hooks@example.com` or `Hookwright <hooks@example.com>`; undefined when it is neither. */
export const parseMailbox = (text: string): Mailbox | undefined => {
  if (isAddress(text)) return { name: '', address: text };
  const [, name = '', address = ''] = NAMED.exec(text) ?? [];
  return isAddress(address) ? { name: name.replaceAll('"', '').trim(), address } : undefined;
};
