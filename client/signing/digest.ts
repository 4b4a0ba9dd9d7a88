// HMAC and SHA-256 as Node and browsers both have them (WebCrypto), from text to base64.

/** Base64 of HMAC-SHA256. */
export const hmacSha256 = async (key: string, text: string): Promise<string> => {
  const subtle = requireWebCrypto();
  const imported = await subtle.importKey('raw', utf8(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return toBase64(new Uint8Array(await subtle.sign('HMAC', imported, utf8(text))));
};

/** Base64 of SHA-256. */
export const sha256 = async (text: string): Promise<string> =>
  toBase64(new Uint8Array(await requireWebCrypto().digest('SHA-256', utf8(text))));

export const toBase64 = (bytes: Uint8Array): string => {
  let characters = '';
  // One by one: a call with all bytes as arguments would end where the stack does.
  for (const byte of bytes) characters += String.fromCharCode(byte);
  return btoa(characters);
};

/** Base64 of the text's UTF-8. */
export const textToBase64 = (text: string): string => toBase64(utf8(text));

/** The alphabet that URLs can carry, without padding (RFC 4648, section 5). */
export const toUrlSafe = (base64: string): string =>
  base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

const utf8 = (text: string) => new TextEncoder().encode(text);

const requireWebCrypto = () => {
  const subtle = globalThis.crypto?.subtle;
  if (subtle !== undefined) return subtle;
  throw new TypeError(
    'Signing needs WebCrypto. Browsers give it only to pages that come over https or from localhost.',
  );
};
